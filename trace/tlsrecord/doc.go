// Package tlsrecord reads the headers of TLS records from the streams of a
// connection, and says which step of the handshake each is. It needs no keys: the
// headers are in the clear, and so is the handshake's beginning (RFC 8446 §5, RFC
// 5246 §6.2).
//
//	var c tlsrecord.Conn
//	c.Pass(trace.Out, clientHello, func(r trace.TLSRecord) {
//		fmt.Println(r) // TLS client hello, 252 bytes
//	})
//
// It keeps no payload. What is not TLS it stops reading.
package tlsrecord
