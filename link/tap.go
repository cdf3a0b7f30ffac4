package link

import (
	"slices"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/nested"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/trace"
)

// Tap lets packets pass between a link endpoint and its host, and shows them to
// listeners on the way. Without listeners it costs one atomic load a packet.
type Tap struct {
	nested.Endpoint

	mu        sync.Mutex
	listeners atomic.Pointer[[]*listener]
}

var (
	_ gstack.LinkEndpoint = (*Tap)(nil)
	_ gstack.GSOEndpoint  = (*Tap)(nil)
)

// Listener sees a packet before it goes on: In when the link delivers it, Out
// when the host sends it. The packet, its view included, is the listener's
// only until it returns, and not to be changed. False drops the packet.
// Listeners run on the packet's own path, several at a time: they must be
// quick, and must not send on this link.
type Listener func(dir trace.Direction, pkt *gstack.PacketBuffer, v *View) bool

type listener struct{ f Listener }

// NewTap puts a tap around ep. Attach the tap to the host in place of ep.
func NewTap(ep gstack.LinkEndpoint) *Tap {
	t := &Tap{}
	t.Endpoint.Init(ep, t)
	return t
}

// Listen adds a listener behind those there are; the first that drops a packet
// ends its way. The returned function removes it again.
func (t *Tap) Listen(f Listener) (remove func()) {
	l := &listener{f}
	t.change(func(all []*listener) []*listener { return append(all, l) })
	return func() {
		t.change(func(all []*listener) []*listener {
			return slices.DeleteFunc(all, func(o *listener) bool { return o == l })
		})
	}
}

func (t *Tap) change(f func([]*listener) []*listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*listener
	if p := t.listeners.Load(); p != nil {
		all = slices.Clone(*p)
	}
	if all = f(all); len(all) == 0 {
		t.listeners.Store(nil)
		return
	}
	t.listeners.Store(&all)
}

// pass shows a packet to the listeners; false where one drops it.
func pass(all []*listener, dir trace.Direction, proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) bool {
	look := looks.Get().(*look)
	defer looks.Put(look)
	view := look.at(proto, pkt)
	for _, l := range all {
		if !l.f(dir, pkt, view) {
			return false
		}
	}
	return true
}

// DeliverNetworkPacket implements gVisor's NetworkDispatcher: a packet comes in.
func (t *Tap) DeliverNetworkPacket(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	if all := t.listeners.Load(); all != nil && !pass(*all, trace.In, proto, pkt) {
		return
	}
	t.Endpoint.DeliverNetworkPacket(proto, pkt)
}

// WritePackets implements gVisor's LinkWriter: packets go out.
func (t *Tap) WritePackets(pkts gstack.PacketBufferList) (int, tcpip.Error) {
	all := t.listeners.Load()
	if all == nil {
		return t.Endpoint.WritePackets(pkts)
	}
	packets := pkts.AsSlice()
	for i, pkt := range packets {
		if !pass(*all, trace.Out, pkt.NetworkProtocolNumber, pkt) {
			return t.writeRest(*all, packets, i)
		}
	}
	return t.Endpoint.WritePackets(pkts)
}

// writeRest sends packets of which the one numbered dropped, and nothing before
// it, was dropped by a listener, as more behind it may be. What is dropped
// counts as sent: the stack must not try again.
func (t *Tap) writeRest(all []*listener, packets []*gstack.PacketBuffer, dropped int) (int, tcpip.Error) {
	var kept gstack.PacketBufferList
	for i, pkt := range packets {
		if i < dropped || i > dropped && pass(all, trace.Out, pkt.NetworkProtocolNumber, pkt) {
			kept.PushBack(pkt)
		}
	}
	if kept.Len() == 0 {
		return len(packets), nil
	}
	sent, err := t.Endpoint.WritePackets(kept)
	return len(packets) - kept.Len() + sent, err
}
