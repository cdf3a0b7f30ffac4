//go:build linux

package kernel

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"strata/lab/workload"
	"strata/tun/netconf"
)

// host is a namespace as a workload.Host.
type host struct {
	n      *network
	name   string
	netns  string
	server netip.Addr // of a client: where its cable leads
	socket string     // that controls its cable

	congestion string // control of every socket
}

var _ workload.Host = (*host)(nil)

func (h *host) Name() string     { return h.name }
func (h *host) TLS() *tls.Config { return h.n.certs.config() }

func (h *host) Listen(address string) (ln net.Listener, err error) {
	err = netconf.InNamespace(h.netns, func() (err error) {
		ln, err = (&net.ListenConfig{KeepAlive: -1, Control: h.control}).Listen(h.n.ctx, "tcp4", address)
		return err
	})
	if err != nil {
		return nil, err
	}
	return listener{ln}, nil
}

// DialContext dials the server, whose name no resolver knows. The socket is made
// on the calling thread, which is in the namespace then.
func (h *host) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if name != h.n.server.name || !h.server.IsValid() {
		return nil, &net.DNSError{Err: "only the server is known here", Name: name, IsNotFound: true}
	}
	err = netconf.InNamespace(h.netns, func() (err error) {
		c, err = (&net.Dialer{KeepAlive: -1, Control: h.control}).DialContext(ctx, network, net.JoinHostPort(h.server.String(), port))
		return err
	})
	if err != nil {
		return nil, err
	}
	return conn{c.(*net.TCPConn)}, nil
}

// listener accepts conns.
type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c.(*net.TCPConn)}, nil
}

// conn can what package net does not offer.
type conn struct{ *net.TCPConn }

// SetUserTimeout is TCP_USER_TIMEOUT (RFC 5482).
func (c conn) SetUserTimeout(d time.Duration) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
	if err == nil {
		err = serr
	}
	if err != nil {
		return fmt.Errorf("TCP_USER_TIMEOUT: %w", err)
	}
	return nil
}
