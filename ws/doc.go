// Package ws is the WebSocket protocol (RFC 6455) with compression (RFC 7692),
// server and client, on any net.Conn and any net/http server.
//
// A server accepts a request, a client dials; both get a [Conn], from which one
// goroutine reads and to which any number write:
//
//	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
//		c, err := ws.Accept(w, r, nil)
//		if err != nil {
//			return // the answer is already written
//		}
//		defer c.CloseNow()
//		for {
//			typ, p, err := c.Read(r.Context())
//			if err != nil {
//				return
//			}
//			if err := c.Write(r.Context(), typ, p); err != nil {
//				return
//			}
//		}
//	})
//
//	c, _, err := ws.Dial(ctx, "ws://10.77.0.2/echo", nil)
//
// Pings are answered and close frames are seen only while somebody reads: a
// connection that only writes still needs a goroutine in Read.
//
// A Read or Write whose context ends gives up its wait, and the connection goes
// on: what was read of a message is kept for the next Read. Only a frame that
// is half on the wire ends the connection, because nothing can follow it.
//
// What the peer may cost is bounded: the size of a message ([Conn.SetReadLimit]),
// the number of its fragments, the pongs that wait to be sent (one, the latest),
// and the time that a control frame or the closing handshake may take.
//
// # Many connections, many messages
//
// [Upgrade] answers the handshake on a net.Conn, without net/http and what it
// keeps. A [Handler] is called for what a connection sends: while nothing comes
// there is neither goroutine nor buffer, and the answers to what came together
// leave together.
//
//	h := &ws.Handler{OnMessage: func(c *ws.Conn, typ ws.MessageType, p []byte) {
//		c.Write(ctx, typ, p)
//	}}
//	for {
//		conn, err := ln.Accept()
//		if err != nil {
//			return err
//		}
//		go func() {
//			if c, err := ws.Upgrade(conn, nil); err == nil {
//				c.Handle(h)
//			}
//		}()
//	}
//
// In a loop of one's own [Conn.Batch] does the same for the writes. A
// [PreparedMessage] is encoded and compressed once for many connections; a [Queue]
// takes messages without waiting for a slow peer; [NewStream] makes a connection a
// net.Conn; ws/wsjson sends values.
//
// What is not worth compressing is sent with [Uncompressed] added to its type.
//
// # HTTP/2
//
// A WebSocket may be a stream of an HTTP/2 connection, which it shares with other
// streams (RFC 8441). [Accept] takes it as it takes an upgrade, and all else is the
// same; but a stream ends when its handler returns, so the handler closes the Conn
// before, or waits for [Conn.Done]. net/http allows this only where the environment
// has GODEBUG=http2xconnect=1 when the program starts.
//
// [Dial] does it where DialOptions.HTTP2 is set, to an *http2.Transport of
// golang.org/x/net/http2; every WebSocket that is dialled with the same one to the
// same server is on the same connection:
//
//	opts := &ws.DialOptions{HTTP2: &http2.Transport{}}
//	c, _, err := ws.Dial(ctx, "wss://chat.example/", opts)
//	if errors.Is(err, ws.ErrNoHTTP2) {
//		c, _, err = ws.Dial(ctx, "wss://chat.example/", nil)
//	}
//
// # How it is made
//
// The protocol stands apart from the input and output: frame.go, mask.go,
// utf8.go, receiver.go, inflate.go, extension.go and requestparser.go are pure
// functions and state machines on bytes; Conn is the shell around them, on a
// net.Conn, which for HTTP/2 is an httpStream.
package ws
