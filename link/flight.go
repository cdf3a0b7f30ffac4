package link

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// packet is a packet on a wire with a shape, from the moment it was sent.
type packet struct {
	pkt   *gstack.PacketBuffer // as it will be delivered: all of it is data
	proto tcpip.NetworkProtocolNumber
	size  int // bytes, the link's header included
	count int // packets it stands for: more than 1 for a super-packet

	order   uint64        // in which it was sent
	entered time.Duration // when
	delay   time.Duration // that it was given then
	extra   time.Duration // that a rule has added: nobody waits for it
	early   bool          // it was chosen to overtake the delay

	damage  damage
	arrived bool  // it was delivered to a host
	told    *told // what the recorder will be told; nil without one
}

// flight are the packets whose time of arrival is known: a heap by that time,
// then by the order of sending.
type flight []arrival

type arrival struct {
	at    time.Duration
	order uint64
	*packet
}

func (a *arrival) before(b *arrival) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// push adds a packet. Where none overtakes, the heap is a queue, and this is
// one comparison.
func (f *flight) push(p *packet, at time.Duration) {
	*f = append(*f, arrival{at, p.order, p})
	h := *f
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].before(&h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// pop takes the first that arrives until now; nil where there is none.
func (f *flight) pop(now time.Duration) *packet {
	h := *f
	if len(h) == 0 || h[0].at > now {
		return nil
	}
	first, last := h[0].packet, len(h)-1
	h[0] = h[last]
	h[last] = arrival{}
	h = h[:last]
	*f = h
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1].before(&h[child]) {
			child++
		}
		if !h[child].before(&h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	return first
}
