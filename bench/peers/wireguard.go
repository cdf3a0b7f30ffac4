//go:build linux

package main

import (
	"net/netip"

	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/tun/netstack"
)

// wireguard is its netstack behind its TUN device, at 10.77.0.2.
func wireguard(netns, to string) error {
	var kernel tun.Device
	err := inNamespace(netns, func() (err error) {
		kernel, err = tun.CreateTUN(device, mtu)
		return err
	})
	if err != nil {
		return err
	}
	ours, stack, err := netstack.CreateNetTUN([]netip.Addr{netip.MustParseAddr("10.77.0.2")}, nil, mtu)
	if err != nil {
		return err
	}
	ln, err := stack.ListenTCPAddrPort(netip.MustParseAddrPort("10.77.0.2:80"))
	if err != nil {
		return err
	}
	ended := make(chan error, 3)
	go func() { ended <- pump(ours, kernel) }()
	go func() { ended <- pump(kernel, ours) }()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				ended <- err
				return
			}
			go forward(c, to)
		}
	}()
	return <-ended
}

// headroom is what a device may put before a packet that is written.
const headroom = 16

// pump moves packets, in batches where the device has them.
func pump(from, to tun.Device) error {
	batch := max(from.BatchSize(), to.BatchSize())
	buffers, sizes, packets := make([][]byte, batch), make([]int, batch), make([][]byte, 0, batch)
	for i := range buffers {
		buffers[i] = make([]byte, headroom+1<<16)
	}
	for {
		n, err := from.Read(buffers, sizes, headroom)
		if err != nil {
			return err
		}
		packets = packets[:0]
		for i := range n {
			packets = append(packets, buffers[i][:headroom+sizes[i]])
		}
		// What a device does not take is lost, as on any wire.
		_, _ = to.Write(packets, headroom)
	}
}
