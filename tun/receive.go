package tun

import (
	"errors"
	"fmt"
	"os"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// readLoop hands what the kernel sends to the stack, until the device is
// closed or gone.
func (d *Device) readLoop() {
	defer d.gone.Done()
	var in inbox
	for {
		n, h, err := d.backend.read(&in)
		if err != nil {
			d.fail(err)
			return
		}
		d.receive(&in, n, h)
	}
}

// fail says that nothing can be read any more.
func (d *Device) fail(err error) {
	d.mu.Lock()
	if d.err == nil {
		if !errors.Is(err, os.ErrClosed) {
			err = fmt.Errorf("tun: device %s is gone: %w", d.name, err)
		}
		d.err = err
	}
	d.mu.Unlock()
	d.end.Do(func() { close(d.done) })
}

// receive hands the packet of n bytes that was read to the stack, or drops and
// counts it.
func (d *Device) receive(in *inbox, n int, h virtioHeader) {
	proto, drop := d.inspect(in.frame(n), h)
	to := d.dispatcher.Load()
	if drop == nil && to == nil {
		drop = &d.count.inDetached
	}
	if drop != nil {
		drop.Add(1)
		return
	}
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: in.take(n)})
	defer pkt.DecRef()
	if d.tap {
		pkt.LinkHeader().Consume(ethernetHeader)
	}
	pkt.NetworkProtocolNumber = proto
	if d.offload {
		pkt.GSOOptions = h.options(len(pkt.LinkHeader().Slice()), proto)
	}
	d.count.inPackets.Add(1)
	d.count.inBytes.Add(uint64(n))
	if h.gsoType != virtioGSONone {
		d.count.inSuper.Add(1)
	}
	(*to).DeliverNetworkPacket(proto, pkt)
}

// inspect says which protocol a frame carries, or the counter of its drop.
func (d *Device) inspect(frame []byte, h virtioHeader) (tcpip.NetworkProtocolNumber, *counter) {
	var proto tcpip.NetworkProtocolNumber
	packet := frame
	switch {
	case d.tap:
		if len(frame) < ethernetHeader {
			return 0, &d.count.inMalformed
		}
		if !d.forUs(frame) {
			return 0, &d.count.inNotForUs
		}
		proto, packet = header.Ethernet(frame).Type(), frame[ethernetHeader:]
	case len(frame) == 0:
		return 0, &d.count.inMalformed
	case frame[0]>>4 == header.IPv4Version:
		proto = header.IPv4ProtocolNumber
	case frame[0]>>4 == header.IPv6Version:
		proto = header.IPv6ProtocolNumber
	default:
		return 0, &d.count.inMalformed
	}
	if !d.offload || (proto != header.IPv4ProtocolNumber && proto != header.IPv6ProtocolNumber) {
		return proto, nil
	}
	switch h.gsoType &^ virtioGSOECN {
	case virtioGSONone, virtioGSOTCPv4, virtioGSOTCPv6:
	default:
		return 0, &d.count.inMalformed
	}
	if !headerSumOK(packet) {
		return 0, &d.count.inChecksum
	}
	if h.flags&(virtioNeedsCsum|virtioDataValid) == 0 && !transportSumOK(packet) {
		return 0, &d.count.inChecksum
	}
	return proto, nil
}
