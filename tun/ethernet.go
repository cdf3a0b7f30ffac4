package tun

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// ethernetHeader is the length of an Ethernet II header: destination, source,
// type. The kernel's TAP device carries no frame check sequence.
const ethernetHeader = header.EthernetMinimumSize

// AddHeader implements gVisor's LinkEndpoint: the Ethernet header on TAP.
func (d *Device) AddHeader(pkt *gstack.PacketBuffer) {
	if !d.tap {
		return
	}
	src := pkt.EgressRoute.LocalLinkAddress
	if src == "" {
		src = d.LinkAddress()
	}
	dst := pkt.EgressRoute.RemoteLinkAddress
	if dst == "" {
		dst = header.EthernetBroadcastAddress
	}
	header.Ethernet(pkt.LinkHeader().Push(ethernetHeader)).Encode(&header.EthernetFields{
		SrcAddr: src,
		DstAddr: dst,
		Type:    pkt.NetworkProtocolNumber,
	})
}

// ParseHeader implements gVisor's LinkEndpoint. False: pkt is too short.
func (d *Device) ParseHeader(pkt *gstack.PacketBuffer) bool {
	if !d.tap {
		return true
	}
	h, ok := pkt.LinkHeader().Consume(ethernetHeader)
	if ok {
		pkt.NetworkProtocolNumber = header.Ethernet(h).Type()
	}
	return ok
}

// forUs reports whether a frame is for this station: for its own address, or
// for a group it may be in (broadcast, multicast: RFC 9542 §2.1). A device that
// was given the empty address is no station, and every frame is for it.
func (d *Device) forUs(frame []byte) bool {
	own := d.LinkAddress()
	return frame[0]&1 != 0 || own == tcpip.LinkAddress(frame[:6]) || own == ""
}
