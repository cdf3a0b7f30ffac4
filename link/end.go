package link

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// End is one end of a wire: a link endpoint that carries bare IP packets, with
// no link-layer header.
type End struct {
	out     *Direction // what this end sends
	offload bool
	mtu     atomic.Uint32

	mu         sync.RWMutex
	dispatcher gstack.NetworkDispatcher
	onClose    func()
	address    tcpip.LinkAddress
}

var (
	_ gstack.LinkEndpoint = (*End)(nil)
	_ gstack.GSOEndpoint  = (*End)(nil)
)

func newEnd(c WireConfig) *End {
	e := &End{offload: !c.NoOffload}
	e.mtu.Store(c.MTU)
	return e
}

// deliver hands a packet that has arrived to the host at this end; false where
// there is none.
func (e *End) deliver(proto tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) bool {
	e.mu.RLock()
	d := e.dispatcher
	e.mu.RUnlock()
	if d == nil {
		return false
	}
	d.DeliverNetworkPacket(proto, pkt)
	return true
}

// WritePackets implements gVisor's LinkWriter. It never blocks.
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
	if !e.offload {
		return 0
	}
	return gstack.CapabilityTXChecksumOffload | gstack.CapabilityRXChecksumOffload
}

// SupportedGSO implements gVisor's GSOEndpoint.
func (e *End) SupportedGSO() gstack.SupportedGSO {
	if !e.offload {
		return gstack.GSONotSupported
	}
	return gstack.HostGSOSupported
}

// GSOMaxSize is the largest super-packet, in bytes.
func (e *End) GSOMaxSize() uint32 { return maxIPPacket }

// maxIPPacket is what IPv4's total length can say (RFC 791 §3.1).
const maxIPPacket = 65535

// MaxHeaderLength implements gVisor's LinkEndpoint: there is no header.
func (e *End) MaxHeaderLength() uint16 { return 0 }

// LinkAddress implements gVisor's LinkEndpoint.
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
func (e *End) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }

// AddHeader implements gVisor's LinkEndpoint.
func (e *End) AddHeader(*gstack.PacketBuffer) {}

// ParseHeader implements gVisor's LinkEndpoint.
func (e *End) ParseHeader(*gstack.PacketBuffer) bool { return true }

// Wait returns when no delivery to this end is under way.
func (e *End) Wait() {}

// Close cuts what this end sends, and detaches its host.
func (e *End) Close() {
	e.out.close()
	e.mu.Lock()
	e.dispatcher = nil
	action := e.onClose
	e.onClose = nil
	e.mu.Unlock()
	if action != nil {
		action()
	}
}

// SetOnCloseAction implements gVisor's LinkEndpoint.
func (e *End) SetOnCloseAction(action func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.onClose = action
}
