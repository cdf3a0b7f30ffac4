package link

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// End is one end of a wire: a link endpoint that carries bare IP packets or,
// with WireConfig.Ethernet, Ethernet frames.
type End struct {
	out       *Direction // what this end sends
	offload   bool       // nobody computes checksums
	super     bool       // the host may send super-packets
	ethernet  bool
	mtu       atomic.Uint32
	verifying atomic.Bool // a corrupted packet is being delivered

	mu         sync.RWMutex
	dispatcher gstack.NetworkDispatcher
	onClose    func()
	closed     bool
	address    tcpip.LinkAddress
}

var (
	_ gstack.LinkEndpoint = (*End)(nil)
	_ gstack.GSOEndpoint  = (*End)(nil)
)

// The MAC addresses of a wire's ends: locally administered, and different.
const (
	macA = tcpip.LinkAddress("\x02\x00\x00\x00\x00\x0a")
	macB = tcpip.LinkAddress("\x02\x00\x00\x00\x00\x0b")
)

func newEnd(c WireConfig, mac tcpip.LinkAddress) *End {
	e := &End{offload: !c.NoOffload, super: !c.NoOffload && !c.NoSuperPackets, ethernet: c.Ethernet}
	if c.Ethernet {
		e.address = mac
	}
	e.mtu.Store(c.MTU)
	return e
}

// linkHeader is how many bytes come before the network layer.
func (e *End) linkHeader() int { return int(e.MaxHeaderLength()) }

// deliver hands a packet that has arrived to the host at this end; false where
// there is none. One packet is delivered at a time.
//
// gVisor takes a packet's word for its checksum where the link claims to have
// verified it. So while a corrupted packet is delivered, the link does not: the
// host verifies that packet, finds it, and counts it among its checksum errors.
func (e *End) deliver(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer, corrupted bool) bool {
	e.mu.RLock()
	d := e.dispatcher
	e.mu.RUnlock()
	if d == nil {
		return false
	}
	if e.ethernet {
		if !e.ParseHeader(pkt) {
			return false
		}
		frame := header.Ethernet(pkt.LinkHeader().Slice())
		proto, pkt.PktType = frame.Type(), packetType(frame.DestinationAddress(), e.LinkAddress())
	}
	if corrupted {
		pkt.Owner = corruptOwner{}
		e.verifying.Store(true)
		defer e.verifying.Store(false)
	}
	d.DeliverNetworkPacket(proto, pkt)
	return true
}

// packetType is how a frame to dst concerns the host with the address own.
func packetType(dst, own tcpip.LinkAddress) tcpip.PacketType {
	switch {
	case dst == own:
		return tcpip.PacketHost
	case dst == header.EthernetBroadcastAddress:
		return tcpip.PacketBroadcast
	case header.IsMulticastEthernetAddress(dst):
		return tcpip.PacketMulticast
	}
	return tcpip.PacketOtherHost
}

// WritePackets implements gVisor's LinkWriter. It waits for nobody; but in real
// time a perfect wire's packets are delivered to the host at the other end before
// it returns.
func (e *End) WritePackets(pkts gstack.PacketBufferList) (int, tcpip.Error) {
	n := pkts.Len()
	e.out.send(pkts)
	return n, nil
}

// Attach implements gVisor's LinkEndpoint.
func (e *End) Attach(d gstack.NetworkDispatcher) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dispatcher = d
}

// IsAttached implements gVisor's LinkEndpoint.
func (e *End) IsAttached() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.dispatcher != nil
}

// MTU is the largest IP packet, in bytes.
func (e *End) MTU() uint32 { return e.mtu.Load() }

// SetMTU changes the largest IP packet, in bytes.
func (e *End) SetMTU(mtu uint32) { e.mtu.Store(mtu) }

// Capabilities implements gVisor's LinkEndpoint.
func (e *End) Capabilities() gstack.LinkEndpointCapabilities {
	var c gstack.LinkEndpointCapabilities
	if e.offload {
		c |= gstack.CapabilityTXChecksumOffload
		if !e.verifying.Load() {
			c |= gstack.CapabilityRXChecksumOffload
		}
	}
	if e.ethernet {
		c |= gstack.CapabilityResolutionRequired
	}
	return c
}

// SupportedGSO implements gVisor's GSOEndpoint. A connection asks when it begins.
func (e *End) SupportedGSO() gstack.SupportedGSO {
	if !e.super {
		return gstack.GSONotSupported
	}
	return gstack.HostGSOSupported
}

// GSOMaxSize is the largest super-packet, in bytes.
func (e *End) GSOMaxSize() uint32 { return maxIPPacket }

// maxIPPacket is what IPv4's total length can say (RFC 791 §3.1).
const maxIPPacket = 65535

// MaxHeaderLength implements gVisor's LinkEndpoint: 14 with Ethernet, else 0.
func (e *End) MaxHeaderLength() uint16 {
	if e.ethernet {
		return header.EthernetMinimumSize
	}
	return 0
}

// LinkAddress is the MAC with Ethernet, else empty.
func (e *End) LinkAddress() tcpip.LinkAddress {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.address
}

// SetLinkAddress implements gVisor's LinkEndpoint.
func (e *End) SetLinkAddress(a tcpip.LinkAddress) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.address = a
}

// ARPHardwareType implements gVisor's LinkEndpoint.
func (e *End) ARPHardwareType() header.ARPHardwareType {
	if e.ethernet {
		return header.ARPHardwareEther
	}
	return header.ARPHardwareNone
}

// AddHeader implements gVisor's LinkEndpoint: the Ethernet header.
func (e *End) AddHeader(pkt *gstack.PacketBuffer) {
	if !e.ethernet {
		return
	}
	header.Ethernet(pkt.LinkHeader().Push(header.EthernetMinimumSize)).Encode(&header.EthernetFields{
		SrcAddr: pkt.EgressRoute.LocalLinkAddress,
		DstAddr: pkt.EgressRoute.RemoteLinkAddress,
		Type:    pkt.NetworkProtocolNumber,
	})
}

// ParseHeader implements gVisor's LinkEndpoint. False: pkt is too short.
func (e *End) ParseHeader(pkt *gstack.PacketBuffer) bool {
	if !e.ethernet {
		return true
	}
	_, ok := pkt.LinkHeader().Consume(header.EthernetMinimumSize)
	return ok
}

// Wait implements gVisor's LinkEndpoint: an end has no goroutine of its own, and
// Wire.Close waits for deliveries.
func (e *End) Wait() {}

// Close detaches the end's host. What it sends from now on is dropped; what it
// has sent still arrives: its last words are often resets. When both ends are
// closed, nobody is there to arrive at, and the wire is cut. See [Wire.Close].
func (e *End) Close() {
	e.out.takeNoMore()
	e.mu.Lock()
	e.dispatcher = nil
	e.closed = true
	action := e.onClose
	e.onClose = nil
	e.mu.Unlock()
	// Of two that close at once, one at least sees the other.
	if e.out.to.isClosed() {
		e.out.close()
		e.out.to.out.close()
	}
	if action != nil {
		action()
	}
}

func (e *End) isClosed() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.closed
}

// SetOnCloseAction implements gVisor's LinkEndpoint.
func (e *End) SetOnCloseAction(action func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.onClose = action
}
