// Package ws is the WebSocket protocol (RFC 6455), server and client, on any
// net.Conn and any net/http server.
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
// The protocol stands apart from the input and output: frame.go, mask.go,
// utf8.go and receiver.go are pure functions and a state machine on bytes; Conn
// is the shell around them. Extensions are not negotiated: offers of
// permessage-deflate are declined.
package ws
