package lab_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
)

// A host that is closed in the middle of a world resets its connections: its
// peers know after one way over the wire.
func TestClosedHostResetsItsPeers(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		w.Connect(phone, server, link.MustParseShape("delay 80ms"))
		ln := server.Listen(":80")
		accepted := make(chan struct{})
		go func() { ln.Accept(); close(accepted) }()
		c, err := phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		<-accepted
		require.NoError(t, server.Close())
		closed := w.Now()
		require.NoError(t, c.SetReadDeadline(w.Now().Add(5*time.Second)))
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Equal(t, 80*time.Millisecond, w.Now().Sub(closed))
	})
}
