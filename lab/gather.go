package lab

import (
	"bytes"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/nested"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
)

// gather lies between a host and its end of a wire, in virtual time, and brings
// what the host sends at one instant into an order that depends on nothing but
// the packets: by their addresses and ports, and within a connection as they
// were sent.
//
// Which of several goroutines that are ready at the same instant runs first is
// Go's to choose, and so is the order of a map. A server that closes all its
// connections sends its FINs in another order each time. Packets of different
// connections may leave in any order as far as TCP is concerned, so one is as
// right as the other, and this one is always the same.
type gather struct {
	nested.Endpoint
	loop clock.Loop

	mu      sync.Mutex
	sent    []sent
	asked   bool // the loop is asked to flush
	ordered []sent
}

type sent struct {
	key [keySize]byte
	pkt *gstack.PacketBuffer
}

func newGather(ep gstack.LinkEndpoint, loop clock.Loop) *gather {
	g := &gather{loop: loop}
	g.Endpoint.Init(ep, g)
	return g
}

// WritePackets implements gVisor's LinkWriter.
func (g *gather) WritePackets(pkts gstack.PacketBufferList) (int, tcpip.Error) {
	g.mu.Lock()
	for _, pkt := range pkts.AsSlice() {
		g.sent = append(g.sent, sent{keyOf(pkt), pkt.IncRef()})
	}
	ask := !g.asked
	g.asked = true
	g.mu.Unlock()
	if ask {
		g.loop.At(g.loop.Now(), g.flush)
	}
	return pkts.Len(), nil
}

// flush runs on the world's goroutine, when nobody else does.
func (g *gather) flush() {
	g.mu.Lock()
	batch := g.sent
	g.sent, g.ordered = g.ordered[:0], nil
	g.asked = false
	g.mu.Unlock()
	if len(batch) > 1 {
		slices.SortStableFunc(batch, func(a, b sent) int { return bytes.Compare(a.key[:], b.key[:]) })
	}
	var list gstack.PacketBufferList
	for i, s := range batch {
		list.PushBack(s.pkt)
		batch[i] = sent{}
	}
	_, _ = g.Endpoint.WritePackets(list)
	list.DecRef()
	g.mu.Lock()
	g.ordered = batch
	g.mu.Unlock()
}

// keySize holds protocol, addresses and ports.
const keySize = 1 + 16 + 16 + 4

// keyOf tells connections apart. What is no IP packet comes first, as it was
// sent.
func keyOf(pkt *gstack.PacketBuffer) (key [keySize]byte) {
	h := pkt.NetworkHeader().Slice()
	if len(h) < 20 {
		return key
	}
	const addresses, ports = 1, 1 + 16 + 16
	switch h[0] >> 4 {
	case 4:
		key[0] = h[9]
		copy(key[addresses:], h[12:20])
	case 6:
		if len(h) < 40 {
			return key
		}
		key[0] = h[6]
		copy(key[addresses:], h[8:40])
	default:
		return key
	}
	copy(key[ports:], pkt.TransportHeader().Slice())
	return key
}

// Close implements gVisor's LinkEndpoint: what was gathered still leaves, since
// a host that is closed ends its connections by resets.
func (g *gather) Close() {
	g.flush()
	g.Endpoint.Close()
}
