// Package site is what strata serves: a chat page at /, a WebSocket echo at
// /echo, and a Socket.IO server at /socket.io/ that the page talks to.
//
//	s := site.New(site.Config{})
//	defer s.Close(ctx)
//	http.Serve(ln, s)
package site
