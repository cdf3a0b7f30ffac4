package stack

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Ping sends one ICMP echo request of 56 bytes to addr (RFC 792, RFC 4443
// §4.1) and waits for its reply; it gives the round trip's time. It ends with
// ctx, and with the error of an ICMP message that says the host cannot be
// reached.
func (h *Host) Ping(ctx context.Context, addr netip.Addr) (time.Duration, error) {
	rtt, err := h.ping(ctx, addr)
	if err != nil {
		return 0, fmt.Errorf("ping %v from %s: %w", addr, h.name, err)
	}
	return rtt, nil
}

func (h *Host) ping(ctx context.Context, addr netip.Addr) (time.Duration, error) {
	if h.Closed() {
		return 0, ErrClosed
	}
	transport, request := icmp.ProtocolNumber4, byte(header.ICMPv4Echo)
	if !addr.Unmap().Is4() {
		transport, request = icmp.ProtocolNumber6, byte(header.ICMPv6EchoRequest)
	}
	var queue waiter.Queue
	ep, terr := h.stack.NewEndpoint(transport, Protocol(addr), &queue)
	if terr != nil {
		return 0, Errno(terr)
	}
	defer ep.Close()
	ready := make(chan struct{}, 1)
	wake := func() {
		select {
		case ready <- struct{}{}:
		default:
		}
	}
	entry := waiter.NewFunctionEntry(waiter.ReadableEvents|waiter.EventErr, func(waiter.EventMask) { h.Wake(wake) })
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)
	// By way of the loopback gVisor does not answer for an IPv4 address of
	// another link; by way of that link itself it does.
	own := h.stack.CheckLocalAddress(0, Protocol(addr), Address(addr))
	if terr := ep.Connect(tcpip.FullAddress{NIC: own, Addr: Address(addr)}); terr != nil {
		return 0, Errno(terr)
	}

	// Type, code, checksum, identifier (the endpoint fills in both), sequence
	// number, and 56 bytes that tell this request from others.
	message := make([]byte, 8+56)
	message[0] = request
	binary.BigEndian.PutUint16(message[6:], 1)
	if _, err := h.rand.Read(message[8:]); err != nil {
		return 0, err
	}
	sent := h.loop.Now()
	if _, terr := ep.Write(bytes.NewReader(message), tcpip.WriteOptions{}); terr != nil {
		return 0, Errno(terr)
	}
	var reply bytes.Buffer
	for {
		h.Touch()
		reply.Reset()
		_, terr := ep.Read(&reply, tcpip.ReadOptions{})
		switch terr.(type) {
		case nil:
			if reply.Len() == len(message) && bytes.Equal(reply.Bytes()[8:], message[8:]) {
				return h.loop.Now().Sub(sent), nil
			}
		case *tcpip.ErrWouldBlock:
			select {
			case <-ready:
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		default:
			return 0, Errno(terr)
		}
	}
}
