// Package interop holds tests that run our server beside the official clients,
// and our client beside the official server, as they come from npm. They want
// Node and the packages of package.json:
//
//	npm ci --prefix socketio/interop --ignore-scripts
//
// Without them they are skipped, and say so; where the environment variable CI
// is set they fail instead.
//
// netns-tests runs the same clients from network namespaces, and browser.cjs, which
// has WebTransport, in Chromium.
package interop
