//go:build linux

package main

import (
	"context"
	"io"
	"net"
	"os"

	"github.com/containers/gvisor-tap-vsock/pkg/types"
	"github.com/containers/gvisor-tap-vsock/pkg/virtualnetwork"
	"golang.org/x/sys/unix"
)

// tapVsock is its network behind a TAP device: its host is 192.168.127.254, which
// is forwarded to the kernel's loopback, by port.
func tapVsock(netns, _ string) error {
	var tap *os.File
	err := inNamespace(netns, func() (err error) {
		tap, err = openTAP()
		return err
	})
	if err != nil {
		return err
	}
	network, err := virtualnetwork.New(&types.Configuration{
		MTU:    mtu,
		Subnet: "192.168.127.0/24", GatewayIP: "192.168.127.1", GatewayMacAddress: "5a:94:ef:e4:0c:dd",
		GatewayVirtualIPs: []string{"192.168.127.254"},
		NAT:               map[string]string{"192.168.127.254": "127.0.0.1"},
	})
	if err != nil {
		return err
	}
	// A frame a packet: how its virtual machines of bess do it.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	var ends [2]net.Conn
	for i, fd := range pair {
		f := os.NewFile(uintptr(fd), "frames")
		if ends[i], err = net.FileConn(f); err != nil {
			return err
		}
		f.Close()
	}
	ended := make(chan error, 3)
	go func() { ended <- network.AcceptBess(context.Background(), ends[1]) }()
	go func() { ended <- frames(ends[0], tap) }()
	go func() { ended <- frames(tap, ends[0]) }()
	return <-ended
}

// frames moves one frame a read.
func frames(from io.Reader, to io.Writer) error {
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b)
		if err != nil {
			return err
		}
		// What is not taken is lost, as on any wire.
		_, _ = to.Write(b[:n])
	}
}

// openTAP makes the device in the namespace where the thread is.
func openTAP() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	r, err := unix.NewIfreq(device)
	if err == nil {
		r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), device), nil
}
