package udp

import (
	"context"
	"net"
	"os"

	"strata/stack"
)

// ListenConfig listens on a host.
type ListenConfig struct {
	Host *stack.Host // must be set

	ReadBuffer  int // bytes of payload that may wait to be read; 0 is the stack's default, 212 KiB
	WriteBuffer int // bytes that may wait to be sent; 0 is the stack's default, 212 KiB
}

// Listen is a ListenConfig with nothing but the host.
func Listen(h *stack.Host, network, address string) (*Conn, error) {
	return (&ListenConfig{Host: h}).ListenPacket(context.Background(), network, address)
}

// ListenPacket receives datagrams for "host:port"; an empty host is every
// address of the host, on network "udp" of both families, on "udp4" and "udp6"
// of one. Port 0 lets the host choose.
func (l *ListenConfig) ListenPacket(ctx context.Context, network, address string) (*Conn, error) {
	fail := func(addr net.Addr, err error) error {
		return &net.OpError{Op: "listen", Net: network, Addr: addr, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(nil, err)
	}
	addrs, err := l.Host.Resolve(ctx, "udp", network, address)
	if err != nil {
		return nil, fail(nil, err)
	}
	at := addrs[0]
	for _, a := range addrs { // net prefers IPv4 where a name has both
		if a.Addr().Is4() {
			at = a
			break
		}
	}
	full, err := stack.FullAddress(at)
	if err != nil {
		return nil, fail(udpAddr(at), err)
	}
	c, err := newConn(l.Host, network, familyOf(network, at.Addr()), l.ReadBuffer, l.WriteBuffer)
	if err != nil {
		return nil, fail(udpAddr(at), err)
	}
	if terr := c.ep.Bind(full); terr != nil {
		c.ep.Close()
		return nil, fail(udpAddr(at), os.NewSyscallError("bind", stack.Errno(terr)))
	}
	c.bound()
	c.host.Touch()
	return c, nil
}
