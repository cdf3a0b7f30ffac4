package stack

import (
	"math"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/nested"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// LinuxAckDelay is how long acknowledgements wait in Linux at least (TCP_DELACK_MIN):
// what Config.AckDelay is where a host is to be like others.
const LinuxAckDelay = 40 * time.Millisecond

// SetAckDelay is Config.AckDelay for connections that are made from now on.
func (h *Host) SetAckDelay(d time.Duration) { h.ackDelay.Store(int64(d)) }

// DelayAcks has the acknowledgements of a TCP connection wait as Config.AckDelay
// says. Whoever makes a connection calls it once; acked is the acknowledgement
// number of the handshake, scale the shift of the windows that our end sends.
func (h *Host) DelayAcks(ep *gtcp.Endpoint, acked uint32, scale uint8) {
	if h.ackDelay.Load() > 0 {
		ep.LockUser()
		ep.SetOwner(&ackState{sent: acked, window: math.MaxUint16, scale: scale})
		ep.UnlockUser()
	}
}

// ackDelayer is between a host and one of its links. gVisor acknowledges as soon
// as it has taken in what came; the program that answers does so a moment later,
// in a packet that acknowledges as well. So an acknowledgement waits for that
// packet, as RFC 1122 §4.2.3.2 has it: for AckDelay at most, and the second one
// goes at once.
type ackDelayer struct {
	nested.Endpoint
	host *Host

	mu          sync.Mutex
	first, last *ackState // whose acknowledgements wait, the oldest first
	timer       tcpip.Timer
	armed       bool // the timer, for what was the first
	closed      bool
}

// ackState is a connection's, and its packets' owner.
type ackState struct {
	held       *gstack.PacketBuffer // nil: no acknowledgement waits
	until      tcpip.MonotonicTime
	prev, next *ackState // among the waiting
	sent       uint32    // the acknowledgement number that was sent last
	window     uint32    // and the window with it, bytes
	scale      uint8     // of the windows
	gap        bool      // it told of segments that are missing
	ending     bool      // our FIN or RST was sent: nothing follows that could carry more
}

var (
	_ gstack.LinkEndpoint = (*ackDelayer)(nil)
	_ gstack.GSOEndpoint  = (*ackDelayer)(nil)
	_ tcpip.PacketOwner   = (*ackState)(nil)
)

// KUID implements tcpip.PacketOwner.
func (*ackState) KUID() uint32 { return 0 }

// KGID implements tcpip.PacketOwner.
func (*ackState) KGID() uint32 { return 0 }

func newAckDelayer(h *Host, ep gstack.LinkEndpoint) *ackDelayer {
	d := &ackDelayer{host: h}
	d.Endpoint.Init(ep, d)
	return d
}

// WritePackets implements gVisor's LinkWriter. What waits counts as sent.
func (d *ackDelayer) WritePackets(pkts gstack.PacketBufferList) (int, tcpip.Error) {
	for _, pkt := range pkts.AsSlice() {
		state, ok := pkt.Owner.(*ackState)
		if ok && d.pass(state, pkt, pkts.Len() == 1) {
			return 1, nil
		}
	}
	return d.Endpoint.WritePackets(pkts)
}

// pass sees a packet of a connection go, or has it wait where it may, and reports
// that.
func (d *ackDelayer) pass(s *ackState, pkt *gstack.PacketBuffer, may bool) (waits bool) {
	h := header.TCP(pkt.TransportHeader().Slice())
	if len(h) < header.TCPMinimumSize {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delay := time.Duration(d.host.ackDelay.Load())
	if may && delay > 0 && s.mayWait(h, pkt, d.MTU()) && !d.closed {
		s.held, s.until = pkt.IncRef(), d.clock().NowMonotonic().Add(delay)
		d.push(s, delay)
		return true
	}
	if s.held != nil {
		d.remove(s).DecRef() // this one says as much
	}
	s.told(h)
	s.gap = tellsOfGap(h)
	s.ending = s.ending || h.Flags()&(header.TCPFlagFin|header.TCPFlagRst) != 0
	return false
}

// mayWait reports whether a packet is the acknowledgement of at most one segment
// that came in order, the first one since another was sent, and nothing else: what
// a sender finds losses by, or waits for, goes at once (RFC 5681 §4.2). A second
// segment has to fit in the window that the sender knows of: where it does not, the
// sender waits, and neither it nor the second acknowledgement ever comes.
func (s *ackState) mayWait(h header.TCP, pkt *gstack.PacketBuffer, mtu uint32) bool {
	advance := h.AckNumber() - s.sent
	return !s.ending && !s.gap && s.held == nil &&
		h.Flags() == header.TCPFlagAck && pkt.Data().Size() == 0 && !tellsOfGap(h) &&
		h.WindowSize() > 0 &&
		advance > 0 && advance <= mtu && s.window >= advance+mtu
}

// told notes what an acknowledgement that leaves says.
func (s *ackState) told(h header.TCP) {
	s.sent, s.window = h.AckNumber(), uint32(h.WindowSize())<<s.scale
}

// tellsOfGap reports whether a segment of ours has SACK blocks, which come behind
// the timestamps.
func tellsOfGap(h header.TCP) bool {
	const timestamps = header.TCPOptionTSLength + 2 // padded
	return int(h.DataOffset()) > header.TCPMinimumSize+timestamps
}

func (d *ackDelayer) clock() tcpip.Clock { return d.host.stack.Clock() }

// push has s wait behind the others, for at most delay. The caller has the lock.
func (d *ackDelayer) push(s *ackState, delay time.Duration) {
	if s.prev = d.last; s.prev != nil {
		s.prev.next = s
	} else {
		d.first = s
	}
	d.last = s
	if d.armed {
		return
	}
	d.armed = true
	if d.timer == nil {
		d.timer = d.clock().AfterFunc(delay, d.due)
	} else {
		d.timer.Reset(delay)
	}
}

// remove takes s out of the waiting, and gives its packet to the caller, who has
// the lock.
func (d *ackDelayer) remove(s *ackState) *gstack.PacketBuffer {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		d.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	} else {
		d.last = s.prev
	}
	pkt := s.held
	s.held, s.prev, s.next = nil, nil, nil
	return pkt
}

// due sends what has waited long enough. The timer is one for all, and is set
// again only here: most of what it was set for has left otherwise.
func (d *ackDelayer) due() {
	for {
		d.mu.Lock()
		now := d.clock().NowMonotonic()
		s := d.first
		if s == nil || s.until.After(now) {
			if d.armed = s != nil; d.armed {
				d.timer.Reset(s.until.Sub(now))
			}
			d.mu.Unlock()
			return
		}
		pkt := d.remove(s)
		s.told(header.TCP(pkt.TransportHeader().Slice()))
		d.mu.Unlock()
		var one gstack.PacketBufferList
		one.PushBack(pkt)
		_, _ = d.Endpoint.WritePackets(one) // lost where it fails, as any packet may be
		pkt.DecRef()
	}
}

// Close implements gVisor's LinkEndpoint.
func (d *ackDelayer) Close() {
	d.mu.Lock()
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	for d.first != nil {
		d.remove(d.first).DecRef()
	}
	d.mu.Unlock()
	d.Endpoint.Close()
}
