package udp

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport"

	"strata/stack"
)

// What fits into one datagram, in bytes: an IPv4 packet's length counts its
// header (RFC 791 §3.1), an IPv6 packet's does not (RFC 8200 §3).
const (
	maxPayload4 = 65535 - header.IPv4MinimumSize - header.UDPMinimumSize
	maxPayload6 = 65535 - header.UDPMinimumSize
)

// Write sends p as one datagram to the peer that was dialled; p may be empty.
// syscall.EMSGSIZE says that it is too large (65507 bytes are the most over
// IPv4, 65527 over IPv6; above the link's MTU it travels in fragments);
// syscall.ECONNREFUSED that an earlier datagram was answered with "port
// unreachable", and that p was not sent.
func (c *Conn) Write(p []byte) (int, error) {
	if c.remote == nil && !c.closed.Load() {
		return 0, c.opError("write", nil, os.NewSyscallError("write", syscall.EDESTADDRREQ))
	}
	n, err := c.send(p, tcpip.FullAddress{}, c.remote != nil && c.remote.IP.To4() != nil)
	if err != nil {
		err = c.opError("write", c.remoteAddr(), err)
	}
	return n, err
}

// WriteTo sends p as one datagram to addr, a *net.UDPAddr. On a Conn that was
// dialled it fails with net.ErrWriteToConnected.
func (c *Conn) WriteTo(p []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, c.opError("write", addr, syscall.EINVAL)
	}
	if to == nil {
		return 0, c.opError("write", nil, errMissingAddress)
	}
	at := to.AddrPort()
	if !at.Addr().IsValid() { // no IP, as in net, is every address
		at = netip.AddrPortFrom(netip.IPv4Unspecified(), at.Port())
	}
	return c.WriteToUDPAddrPort(p, at)
}

// WriteToUDPAddrPort is WriteTo for this type of address, without an
// allocation of its own. IPv4 may be given as IPv6-mapped IPv4.
func (c *Conn) WriteToUDPAddrPort(p []byte, addr netip.AddrPort) (int, error) {
	n, err := c.sendTo(p, addr)
	if err != nil {
		err = c.opError("write", udpAddr(addr), err)
	}
	return n, err
}

func (c *Conn) sendTo(p []byte, addr netip.AddrPort) (int, error) {
	if c.remote != nil && !c.closed.Load() {
		return 0, net.ErrWriteToConnected
	}
	if !addr.IsValid() {
		return 0, errMissingAddress
	}
	addr = orLoopback(c.network, addr)
	is4 := addr.Addr().Unmap().Is4()
	switch {
	case is4 && c.family == v6:
		return 0, os.NewSyscallError("sendto", syscall.ENETUNREACH) // as a socket with IPV6_V6ONLY
	case !is4 && c.family == v4:
		return 0, &net.AddrError{Err: "non-IPv4 address", Addr: addr.Addr().String()}
	}
	to, err := stack.FullAddress(addr)
	if err != nil {
		return 0, err
	}
	return c.send(p, to, is4)
}

var errMissingAddress = &net.AddrError{Err: "missing address"}

// send sends one datagram; without an address to, to the peer.
func (c *Conn) send(p []byte, to tcpip.FullAddress, is4 bool) (int, error) {
	c.out.enter()
	defer c.out.leave()
	for {
		switch {
		case c.closed.Load():
			return 0, net.ErrClosed
		case c.out.by.Expired():
			return 0, os.ErrDeadlineExceeded
		case is4 && len(p) > maxPayload4, len(p) > maxPayload6:
			return 0, os.NewSyscallError("write", syscall.EMSGSIZE)
		}
		terr := c.put(p, to)
		c.host.Touch()
		switch terr.(type) {
		case nil:
			return len(p), nil
		case *tcpip.ErrWouldBlock:
			<-c.out.token
		default:
			if transport.DatagramEndpointState(c.ep.State()) == transport.DatagramEndpointStateClosed {
				return 0, net.ErrClosed // by us, or with its host
			}
			return 0, os.NewSyscallError("write", stack.Errno(terr))
		}
	}
}

// put hands one datagram to the stack.
func (c *Conn) put(p []byte, to tcpip.FullAddress) tcpip.Error {
	c.write.Lock()
	defer c.write.Unlock()
	var options tcpip.WriteOptions
	if to.Port != 0 || to.Addr.BitLen() != 0 {
		c.to = to
		options.To = &c.to
	}
	c.from.Reset(p)
	_, terr := c.ep.Write(&c.from, options)
	c.from.Reset(nil)
	return terr
}
