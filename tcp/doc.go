// Package tcp listens and dials on a host of our own (package stack): the
// shapes of the standard library's net package, the errors it gives on a
// kernel's sockets, and what a kernel does not show: each connection's
// handshake, its congestion window, its round trip.
//
//	ln, err := (&tcp.ListenConfig{Host: server}).Listen(ctx, "tcp", ":80")
//	go http.Serve(ln, handler)
//
//	dialer := &tcp.Dialer{Host: client}
//	conn, err := dialer.DialContext(ctx, "tcp", "10.77.0.2:80")
//	fmt.Println(conn.(*tcp.Conn).Info())
//
// Deadlines are moments on the host's clock. A linger time above zero does not
// make Close wait, as it would in a kernel: what was written is sent behind
// Close's back either way.
package tcp
