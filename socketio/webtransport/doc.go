// Package webtransport carries Socket.IO and Engine.IO sessions over WebTransport
// (https://www.w3.org/TR/webtransport/): one stream over QUIC, so over UDP. A lost
// packet delays only what it carried, and a client that changes its address keeps
// its connection. It is a package of its own so that who does not use it does not
// link QUIC (github.com/quic-go).
//
// The server stands beside that for the other transports, with the same sessions:
//
//	io := socketio.NewServer(&socketio.Options{
//		Transports: []engineio.Transport{engineio.Polling, engineio.WebSocket, engineio.WebTransport},
//	})
//	quic := webtransport.NewServer(io.Engine(), &webtransport.Options{TLSConfig: cert, Path: "/socket.io"})
//	udp, err := net.ListenPacket("udp", ":443")
//	go quic.Serve(udp)
//	go (&http.Server{Handler: io, TLSConfig: cert}).ListenAndServeTLS("", "")
//
// And the client, here package client's, changes to it where it gets through:
//
//	dialer := &webtransport.Dialer{}
//	s, err := client.Dial(ctx, "https://example.com/", &client.Options{
//		Transports:       []engineio.Transport{engineio.Polling, engineio.WebSocket, engineio.WebTransport},
//		DialWebTransport: dialer.Dial,
//	})
//
// Serve takes any net.PacketConn, and a Dialer any DialContext: both run on
// package udp as well as on the kernel's sockets. WebTransport is always
// encrypted; browsers want a certificate that they trust, or its hash.
package webtransport
