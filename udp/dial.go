package udp

import (
	"context"
	"net"
	"net/netip"
	"os"

	"strata/stack"
)

// Dialer makes endpoints that speak with one peer. Its DialContext has the
// shape of net.Dialer's.
type Dialer struct {
	Host *stack.Host // must be set

	// LocalAddr is the address and port to dial from; the zero value, and a
	// port of 0, leave the choice to the host.
	LocalAddr netip.AddrPort

	ReadBuffer  int // as in ListenConfig
	WriteBuffer int
}

// Dial is DialContext without a context.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext makes an endpoint for "host:port" on network "udp", "udp4" or
// "udp6". A name is resolved by the host's resolver; the first of its addresses
// that there is a route to is taken, else the first error. Nothing is sent:
// whether somebody is there, only a Read or a later Write can tell. The net.Conn
// is a *Conn.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(addr net.Addr, err error) error {
		return &net.OpError{Op: "dial", Net: network, Source: udpAddr(d.LocalAddr), Addr: addr, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(nil, err)
	}
	addrs, err := d.Host.Resolve(ctx, "udp", network, address)
	if err != nil {
		return nil, fail(nil, err)
	}
	var first error
	for _, a := range addrs {
		a = orLoopback(network, a)
		c, err := d.connect(network, a)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = fail(udpAddr(a), err)
		}
	}
	return nil, first
}

func (d *Dialer) connect(network string, to netip.AddrPort) (*Conn, error) {
	if d.LocalAddr.IsValid() && d.LocalAddr.Addr().Unmap().Is4() != to.Addr().Is4() {
		return nil, &net.AddrError{Err: "mismatched local address family", Addr: d.LocalAddr.Addr().String()}
	}
	full, err := stack.FullAddress(to)
	if err != nil {
		return nil, err
	}
	c, err := newConn(d.Host, network, familyOf(network, to.Addr()), d.ReadBuffer, d.WriteBuffer)
	if err != nil {
		return nil, err
	}
	if d.LocalAddr.IsValid() {
		local, err := stack.FullAddress(d.LocalAddr)
		if err != nil {
			c.ep.Close()
			return nil, err
		}
		if terr := c.ep.Bind(local); terr != nil {
			c.ep.Close()
			return nil, os.NewSyscallError("bind", stack.Errno(terr))
		}
	}
	if terr := c.ep.Connect(full); terr != nil {
		c.ep.Close()
		return nil, os.NewSyscallError("connect", stack.Errno(terr))
	}
	c.bound()
	c.host.Touch()
	return c, nil
}
