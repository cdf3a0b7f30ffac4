// Package echo is the server that tests and benchmarks of connections talk to:
// it says everything back.
//
//	ln, err := tcp.Listen(host, "tcp", ":7")
//	go echo.Serve(ln)
package echo

import (
	"io"
	"net"
)

// Serve echoes on every connection, each on a goroutine of its own, until the
// listener is closed. A connection is closed when its peer sends no more, which
// may be after Serve has returned.
func Serve(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			io.Copy(c, c)
		}()
	}
}
