// Package interop has strata/ws talk to other WebSockets, both ways: five
// libraries for Go, npm's ws, Node's own client, Chromium, and Python's
// websockets. There is no code but tests:
//
//	npm ci --prefix js --ignore-scripts && go test .
//
// The server is the same in every language: it echoes, and obeys a few words
// (see echo). So is the client's story: messages of every size of header, in
// fragments, pings, and closing from either side (see tell). The libraries for Go
// each get a small adapter, so that the story and the server are written once.
//
// What docs/coming-from-gorilla.md says is held here, too.
//
// It is a module of its own, so that who uses strata does not inherit the other
// libraries.
package interop
