// Package netnstests runs the strata command against real kernels and real
// clients: curl, ping, dig, tshark, the official Socket.IO client and ws from
// npm, and headless Chromium. Each test makes a network namespace, has "strata
// serve --netns" put its device into it, and runs its clients there, so that
// every byte goes from the client's kernel socket through the device to ours.
//
//	netns-tests/setup.sh                 # as root, once: what the tests run, and the npm packages
//	go test ./netns-tests                # as root
//	CI=1 go test ./netns-tests           # what is missing fails instead of being skipped
//	STRATA_SHOTS=/tmp go test ./netns-tests -run TestBrowser   # keep the screenshots
//	STRATA_BIN=$PWD/bin/strata go test ./netns-tests           # this command, instead of one built here
//
// What needs root, a program or a device says so when it skips. Under go test
// -race the command is built with the race detector as well, and a race it
// reports fails the test that ran it.
//
// Where counters and memory are what is asked about (a siege, super-segments, a
// fleet of clients) the host is in the test's own process, and only the clients'
// sockets are in the namespace.
//
// # What the tests rely on
//
// "strata serve --json" writes JSON lines to standard output and nothing else
// there; its log goes to standard error. The first line, written when it
// serves, is
//
//	{"kind":"ready","http":["http://10.77.0.2/","http://[fd77::2]/"],"device":"strata0","fingerprint":"AB:CD:…"}
//
// with https: and the SHA-256 fingerprint of the certificate under --tls, and a
// "note" instead of IPv6 below an MTU of 1280. Then come trace events, every
// connection's handshake among them; {"kind":"closed"} is the last line, when
// all is closed and the device is gone. After SIGINT or SIGTERM the exit status
// is 0; a second SIGINT ends it at once, with another status. What cannot be
// done ends with status 1, one line on standard error and nothing on standard
// output. With "-- COMMAND" standard output is the command's, and so is the
// exit status.
//
// The certificate is valid for both addresses and for strata.test.
//
// The page at / has an input #message in a form #form, a list #messages with a
// <li> a message, and an element #status whose text is "connected" while it is.
// At /socket.io/ the event "chat message" (a string) goes to everybody, the
// sender too, and "hello" (a name) is answered "hello, NAME" through its ack;
// when the server goes a client is told "transport close", as by the official
// server. /echo echoes WebSocket messages of up to 16 MiB, and closes with 1001.
package netnstests
