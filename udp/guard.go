package udp

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// maxEmpty is how many datagrams may wait to be read where an empty one is
// among them.
const maxEmpty = 4096

// guard bounds the receive queue. gVisor counts bytes of payload, so empty
// datagrams never fill it; it tells of each of them, though, and then the guard
// counts. Where there are too many it takes the buffer away, and gives it back
// when half of them are read.
type guard struct {
	options *tcpip.SocketOptions
	stats   *tcpip.TransportEndpointStats // nil where the endpoint has others: then nothing is counted
	read    atomic.Uint64                 // datagrams
	full    atomic.Bool

	mu   sync.Mutex
	size int64 // of the buffer, while it is not full
}

func (g *guard) init(ep tcpip.Endpoint) {
	g.options = ep.SocketOptions()
	g.size = g.options.GetReceiveBufferSize()
	g.stats, _ = ep.Stats().(*tcpip.TransportEndpointStats)
}

// resize sets the buffer's size within the stack's limits.
func (g *guard) resize(bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	lowest, highest := g.options.ReceiveBufferLimits()
	g.size = min(max(int64(bytes), lowest), highest)
	if !g.full.Load() {
		g.options.SetReceiveBufferSize(g.size, false)
	}
}

// waiting is how many datagrams are in the queue.
func (g *guard) waiting() uint64 {
	gone := g.stats.ReceiveErrors.ReceiveBufferOverflow.Value() + g.stats.ReceiveErrors.ClosedReceiver.Value() + g.read.Load()
	// Read after those it must not be below.
	return g.stats.PacketsReceived.Value() - gone
}

// arrived is called where the queue's payload was none.
func (g *guard) arrived() {
	if g.stats == nil || g.waiting() < maxEmpty {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting() >= maxEmpty && !g.full.Swap(true) {
		g.options.SetReceiveBufferSize(0, false)
	}
}

// taken is called for each datagram that was read.
func (g *guard) taken() {
	g.read.Add(1)
	if !g.full.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting() <= maxEmpty/2 && g.full.Swap(false) {
		g.options.SetReceiveBufferSize(g.size, false)
	}
}
