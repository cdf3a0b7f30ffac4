package link

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
)

// What a switch does unless SwitchConfig says otherwise.
const (
	DefaultAgeing   = 300 * time.Second // IEEE 802.1Q §8.8.3's recommendation
	DefaultStations = 4096
)

// SwitchConfig says what a switch is like. The zero value is one as they are
// sold.
type SwitchConfig struct {
	Loop clock.Loop // tells the time; nil is real time

	// Ageing is after how long a station that was not heard is forgotten; 0 is
	// DefaultAgeing.
	Ageing time.Duration

	// Stations bounds the addresses that are remembered; when that many are,
	// no other is learned before one is forgotten, and frames for it are
	// flooded. 0 is DefaultStations.
	Stations int
}

// Switch is a learning Ethernet switch (IEEE 802.1D): a frame goes to the port
// behind which its destination was heard, and where that is not known, and for
// groups, to all ports but its own, in the order in which they were attached. So
// ARP and neighbour discovery flow through it as on any wire.
//
// It has no queues and no delay: those are the wires'. It knows no spanning
// tree: ports that are joined outside of it, by a wire or another switch, make
// a loop in which the first broadcast goes round for ever. It knows no VLANs
// and does not snoop on multicast.
type Switch struct {
	loop  clock.Loop
	ports atomic.Pointer[[]*Port] // in the order of Attach; replaced whole

	mu       sync.Mutex // of what follows, and changes of ports
	stations *stationTable
	closed   bool
}

// Port is an endpoint's place in a [Switch].
type Port struct {
	sw       *Switch
	ep       gstack.LinkEndpoint
	unsummed bool // see there
	out      outlet
	closed   atomic.Bool

	packets, bytes, flooded, filtered, malformed, unlearned atomic.Uint64
}

var _ gstack.NetworkDispatcher = (*Port)(nil)

// PortCounters are what a port has seen. Frames are as they were delivered: one
// that carries a super-packet counts one.
type PortCounters struct {
	InPackets, InBytes uint64 // frames that came in; with their headers

	InFlooded   uint64 // of those, sent to all ports
	InFiltered  uint64 // of those, sent to none: the destination is behind this port, or they are between neighbours only
	InMalformed uint64 // of those, dropped: no Ethernet header, or a group for a source
	Unlearned   uint64 // of those, whose sender found the table full

	Out CordCounters // frames that left
}

// NewSwitch makes a switch without ports.
func NewSwitch(c SwitchConfig) *Switch {
	if c.Loop == nil {
		c.Loop = clock.Real()
	}
	if c.Ageing <= 0 {
		c.Ageing = DefaultAgeing
	}
	if c.Stations <= 0 {
		c.Stations = DefaultStations
	}
	s := &Switch{loop: c.Loop, stations: newStationTable(c.Stations, c.Ageing)}
	s.ports.Store(new([]*Port))
	return s
}

// Attach plugs an endpoint in: the end of a wire with Ethernet, or a TAP device.
// One that carries bare IP packets is a programmer's mistake, and panics. The
// endpoint loses its own address: it takes the frames for all. On a switch that
// was closed the port carries nothing.
func (s *Switch) Attach(ep gstack.LinkEndpoint) *Port {
	if !ethernet(ep) {
		panic("link: Switch: the endpoint carries no Ethernet frames")
	}
	p := &Port{sw: s, ep: ep, unsummed: unsummed(ep)}
	p.out.init(ep)
	ep.SetLinkAddress("")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		p.closed.Store(true)
		return p
	}
	ports := append(slices.Clone(*s.ports.Load()), p)
	s.ports.Store(&ports)
	ep.Attach(p)
	return p
}

// multicast between neighbours only: spanning tree, pause frames, LLDP (IEEE
// 802.1Q table 8-1: 01-80-C2-00-00-00 to -0F). A switch must not pass it on.
func linkLocal(a tcpip.LinkAddress) bool {
	return a[:5] == "\x01\x80\xc2\x00\x00" && a[5] <= 0x0f
}

// DeliverNetworkPacket implements gVisor's NetworkDispatcher: a frame comes in.
func (p *Port) DeliverNetworkPacket(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	if p.closed.Load() {
		return
	}
	p.packets.Add(1)
	p.bytes.Add(uint64(pkt.Size()))
	frame := header.Ethernet(pkt.LinkHeader().Slice())
	if len(frame) < header.EthernetMinimumSize || header.IsMulticastEthernetAddress(frame.SourceAddress()) {
		p.malformed.Add(1)
		return
	}
	pkt.NetworkProtocolNumber = proto
	src, dst := frame.SourceAddress(), frame.DestinationAddress()
	group := header.IsMulticastEthernetAddress(dst)
	to := p.sw.look(p, src, dst, group)
	switch {
	case group && linkLocal(dst), to == p:
		p.filtered.Add(1)
	case to != nil:
		to.out.write(pkt, p.unsummed)
	default:
		p.flooded.Add(1)
		for _, other := range *p.sw.ports.Load() {
			if other != p {
				other.out.write(pkt, p.unsummed)
			}
		}
	}
}

// look learns that src is behind p, and says where dst is; nil: not known.
func (s *Switch) look(p *Port, src, dst tcpip.LinkAddress, group bool) *Port {
	now := s.loop.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.closed.Load() {
		return nil
	}
	if !s.stations.learn(src, p, now) {
		p.unlearned.Add(1)
	}
	if group {
		return nil
	}
	return s.stations.port(dst, now)
}

// DeliverLinkPacket implements gVisor's NetworkDispatcher. It is for packet
// sockets, which a switch has none of.
func (p *Port) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}

// Counters reads the counters.
func (p *Port) Counters() PortCounters {
	return PortCounters{
		InPackets: p.packets.Load(), InBytes: p.bytes.Load(),
		InFlooded: p.flooded.Load(), InFiltered: p.filtered.Load(), InMalformed: p.malformed.Load(), Unlearned: p.unlearned.Load(),
		Out: p.out.counters(),
	}
}

// Close pulls the port's plug: the endpoint stays open, and the stations behind
// it are forgotten. A frame that is being passed at this moment may still
// arrive. It may be called again.
func (p *Port) Close() error {
	s := p.sw
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.closed.Swap(true) {
		return nil
	}
	ports := slices.DeleteFunc(slices.Clone(*s.ports.Load()), func(o *Port) bool { return o == p })
	s.ports.Store(&ports)
	s.stations.forget(p)
	p.ep.Attach(nil)
	return nil
}

// Stations is how many stations are known.
func (s *Switch) Stations() int {
	now := s.loop.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stations.expire(now)
	return len(s.stations.byAddress)
}

// Close closes every port.
func (s *Switch) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, p := range *s.ports.Load() {
		_ = p.Close()
	}
	return nil
}
