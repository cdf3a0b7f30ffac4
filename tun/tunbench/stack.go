//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"strata/stack"
	"strata/tcp"
	"strata/tun"
)

// listen is a host of ours behind the device, as a program that uses this
// module has it.
func listen(dev *tun.Device, addr netip.Prefix, port uint16) (net.Listener, func(), error) {
	h := stack.New(stack.Config{Name: "server", AckDelay: stack.LinuxAckDelay})
	if _, err := h.Attach(dev, addr); err != nil {
		h.Close()
		return nil, nil, err
	}
	ln, err := (&tcp.ListenConfig{Host: h}).Listen(context.Background(), "tcp4", fmt.Sprintf(":%d", port))
	if err != nil {
		h.Close()
		return nil, nil, err
	}
	return ln, func() { h.Close() }, nil
}
