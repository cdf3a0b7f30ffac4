package ws_test

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

// A stream is a net.Conn as the standard library's test of them wants it.
func TestStreamIsANetConn(t *testing.T) {
	t.Parallel()
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := streamPair(t, nil)
		return a, b, func() {
			// Each waits for the other's close frame.
			done := make(chan error)
			go func() { done <- a.Close() }()
			b.Close()
			<-done
		}, nil
	})
}
