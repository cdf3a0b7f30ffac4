//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"strata/tun"
	"strata/tun/internal/nstest"
	"strata/tun/netconf"
)

// rig is a namespace for the client, and a server that can be reached from it.
type rig struct {
	netns string
	addr  string // the server's
	ln    net.Listener
	spare bool // measured with as few processors as the work needs
	close []func()

	congestion string // control of the kernel's sockets
	served     sync.WaitGroup
}

var (
	clientAddr = netip.MustParsePrefix("10.77.0.1/24")
	serverAddr = netip.MustParsePrefix("10.77.0.2/24")
)

const port = 8080

// newRig sets up one of the links. What it made is gone after Close.
func newRig(link string, c config) (r *rig, err error) {
	r = &rig{addr: netip.AddrPortFrom(serverAddr.Addr(), port).String(), spare: link != all && link != kernel}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.netns, err = r.namespace("tunbench"); err != nil {
		return nil, err
	}
	if link == kernel {
		err = r.veth(c)
	} else {
		err = r.tun(link, c)
	}
	if err != nil {
		return nil, err
	}
	if err := netconf.InNamespace(r.netns, morePorts); err != nil {
		return nil, err
	}
	if err := netconf.InNamespace(r.netns, r.readCongestion); err != nil {
		return nil, err
	}
	r.served.Go(func() {
		for {
			conn, err := r.ln.Accept()
			if err != nil {
				return
			}
			r.served.Go(func() { serve(conn) })
		}
	})
	return r, nil
}

func (r *rig) namespace(prefix string) (string, error) {
	name, err := nstest.Make(prefix)
	if err == nil {
		r.close = append(r.close, func() { nstest.Remove(name) })
	}
	return name, err
}

// tun is the server in our own stack, behind a device in the client's namespace.
func (r *rig) tun(link string, c config) error {
	o := tun.Off
	if link != water {
		o = tun.On
	}
	dev, err := tun.Open(tun.Config{Name: "bench0", TAP: c.tap, MTU: c.mtu, Offload: o, Netns: r.netns})
	if err != nil {
		return err
	}
	r.close = append(r.close, dev.Close)
	if err := netconf.Configure(r.netns, dev.Name(), netconf.Config{MTU: c.mtu, Addrs: []netip.Prefix{clientAddr}, Up: true}); err != nil {
		return err
	}
	ln, closeStack, err := listen(dev, serverAddr, port)
	if err != nil {
		return err
	}
	r.ln = ln
	r.close = append(r.close, closeStack)
	return nil
}

// morePorts has a client take any port, and again one that is in TIME_WAIT, so
// that new connections do not run out of them.
func morePorts() error {
	for file, value := range map[string]string{"ip_local_port_range": "10000 65000", "tcp_tw_reuse": "1"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+file, []byte(value), 0); err != nil {
			return fmt.Errorf("ports of the client: %w", err)
		}
	}
	return nil
}

// readCongestion asks what the kernel's sockets have where nobody tells them; a
// namespace has it from the machine.
func (r *rig) readCongestion() error {
	b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	if err != nil {
		return fmt.Errorf("the kernel's congestion control: %w", err)
	}
	r.congestion = strings.TrimSpace(string(b))
	return nil
}

// veth is the kernel on both ends.
func (r *rig) veth(c config) error {
	server, err := r.namespace("tunbench-server")
	if err != nil {
		return err
	}
	if err := vethPair(r.netns, server); err != nil {
		return fmt.Errorf("veth: %w", err)
	}
	for ns, addr := range map[string]netip.Prefix{r.netns: clientAddr, server: serverAddr} {
		if err := netconf.Configure(ns, "bench0", netconf.Config{MTU: c.mtu, Addrs: []netip.Prefix{addr}, Up: true}); err != nil {
			return err
		}
	}
	return netconf.InNamespace(server, func() (err error) {
		r.ln, err = net.Listen("tcp4", r.addr)
		return err
	})
}

// vethPair makes a cable with an end called bench0 in each namespace.
func vethPair(a, b string) error {
	nsA, errA := netns.GetFromName(a)
	nsB, errB := netns.GetFromName(b)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	defer nsA.Close()
	defer nsB.Close()
	h, err := netlink.NewHandleAt(nsA)
	if err != nil {
		return err
	}
	defer h.Close()
	return h.LinkAdd(&netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: "bench0"},
		PeerName:      "bench0",
		PeerNamespace: netlink.NsFd(int(nsB)),
	})
}

// Close ends the server and removes everything, in reverse.
func (r *rig) Close() {
	if r.ln != nil {
		r.ln.Close()
	}
	for i := len(r.close) - 1; i >= 0; i-- {
		r.close[i]()
	}
	r.served.Wait()
}
