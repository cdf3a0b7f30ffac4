package link

import (
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Cord is a patch cord between two link endpoints: what one delivers is written
// to the other, headers and all. It has no delay and no queue of its own; what
// an endpoint does not take is dropped and counted.
type Cord struct {
	x, y   socket
	closed atomic.Bool
}

// socket is one end of a cord: the host that its endpoint believes to have.
type socket struct {
	cord     *Cord
	from     gstack.LinkEndpoint
	unsummed bool // see there
	to       outlet
}

var _ gstack.NetworkDispatcher = (*socket)(nil)

// Patch joins x and y: two devices, a device and the end of a wire, the ends of
// two wires. A cable between two devices, with a shape, is
//
//	wire := link.NewWire(link.WireConfig{AB: shape, BA: back})
//	left, right := link.Patch(devA, wire.A()), link.Patch(wire.B(), devB)
//
// Super-packets, and checksums that are left to whoever needs them, pass as they
// are (GSOOptions says which they are) where the endpoint that they are written
// to supports them; else they are segmented and completed.
//
// Both must carry Ethernet frames, or both bare IP packets; anything else is a
// programmer's mistake, and panics. Ethernet endpoints lose their own address,
// since a cord is no station: it takes the frames for all.
func Patch(x, y gstack.LinkEndpoint) *Cord {
	if ethernet(x) != ethernet(y) {
		panic("link: Patch: one endpoint carries Ethernet frames, the other bare IP packets")
	}
	c := &Cord{}
	c.x.init(c, x, y)
	c.y.init(c, y, x)
	// Both know where to write before either delivers.
	x.Attach(&c.x)
	y.Attach(&c.y)
	return c
}

func (s *socket) init(c *Cord, from, to gstack.LinkEndpoint) {
	s.cord, s.from, s.unsummed = c, from, unsummed(from)
	s.to.init(to)
	if ethernet(from) {
		from.SetLinkAddress("")
	}
}

// DeliverNetworkPacket implements gVisor's NetworkDispatcher.
func (s *socket) DeliverNetworkPacket(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	if s.cord.closed.Load() {
		s.to.droppedClosed.Add(1)
		return
	}
	pkt.NetworkProtocolNumber = proto
	s.to.write(pkt, s.unsummed)
}

// DeliverLinkPacket implements gVisor's NetworkDispatcher. It is for packet
// sockets, which a cord has none of.
func (s *socket) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}

// XY is what crossed from x to y, YX what crossed from y to x.
func (c *Cord) XY() CordCounters { return c.x.to.counters() }

// YX is what crossed from y to x.
func (c *Cord) YX() CordCounters { return c.y.to.counters() }

// Close takes the cord off both endpoints, which stay open. A packet that is
// being passed at this moment may still arrive. It may be called again.
func (c *Cord) Close() error {
	if !c.closed.Swap(true) {
		c.x.from.Attach(nil)
		c.y.from.Attach(nil)
	}
	return nil
}
