package ws

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Callbacks that wait hold up nobody: two hundred, more than there are goroutines
// kept for them, all wait until the last of them is called, twice. Afterwards no
// more goroutines are kept than should be.
func TestHandlersWaitForEachOther(t *testing.T) {
	const conns = 200
	var called sync.WaitGroup
	called.Add(conns)
	meet := make(chan struct{})
	closed := make(chan error, conns)
	h := &Handler{
		OnMessage: func(c *Conn, typ MessageType, p []byte) {
			called.Done()
			<-meet
			c.Write(t.Context(), typ, p)
		},
		OnClose: func(_ *Conn, err error) { closed <- err },
	}
	peers := make([]*peer, conns)
	servers := make([]*Conn, conns)
	for i := range peers {
		servers[i], peers[i] = open(t, tcpPair, false, connConfig{})
		servers[i].Handle(h)
	}
	for range 2 {
		for _, p := range peers {
			p.send(t, text("meet"))
		}
		called.Wait()
		called.Add(conns)
		for range conns {
			meet <- struct{}{}
		}
		for _, p := range peers {
			require.Equal(t, text("meet"), p.receive(t))
		}
	}
	polling.mu.Lock()
	w := &polling.p.workers
	polling.mu.Unlock()
	w.mu.Lock()
	require.LessOrEqual(t, len(w.idle), maxIdleWorkers)
	w.mu.Unlock()
	for _, c := range servers {
		c.CloseNow()
	}
	for range servers {
		<-closed
	}
}
