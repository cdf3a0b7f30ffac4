//go:build !linux

package ws

// polledConn is there on Linux only.
type polledConn struct{ Readiness }

func (*polledConn) tryFill(*readBuffer) error { panic("ws: no polledConn on this system") }

func (*polledConn) forget() {}

// readinessOf is how c says that there is something to read; nil where it cannot.
func readinessOf(c *Conn) Readiness {
	r, _ := c.conn.(Readiness)
	return r
}
