package socketio_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"strata/socketio"
)

// A handler that takes its time holds up the events of its own namespace only, also
// where those of another came in the same segment.
func TestNamespacesHoldEachOtherUpNever(t *testing.T) {
	io, url, _ := serve(t, nil)
	free, handled := make(chan bool), make(chan int, 1)
	io.OnConnection(func(s *socketio.Socket) { s.On("slow", func() { <-free }) })
	io.Of("/other").OnConnection(func(s *socketio.Socket) { s.On("n", func(n int) { handled <- n }) })
	p := raw(t, url)
	p.say("40")
	require.Equal(t, "40", p.read()[:2])
	p.say("40/other")
	require.Equal(t, "40", p.read()[:2])
	require.NoError(t, p.conn.Batch(func() error {
		p.say(`42["slow"]`, `42/other,["n",1]`)
		return nil
	}))
	require.Equal(t, 1, wait(t, "the other namespace's event", handled))
	close(free)
}
