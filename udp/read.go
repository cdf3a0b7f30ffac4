package udp

import (
	"net"
	"net/netip"
	"os"

	"gvisor.dev/gvisor/pkg/tcpip"

	"strata/stack"
)

// datagram is where the payload of one datagram goes. What does not fit is
// thrown away, as a kernel does it.
type datagram struct {
	room []byte // what is not filled yet
	n    int    // filled
}

// Write implements io.Writer. It takes everything, so that gVisor sees no error.
func (d *datagram) Write(p []byte) (int, error) {
	n := copy(d.room, p)
	d.room = d.room[n:]
	d.n += n
	return len(p), nil
}

// Read waits for a datagram and gives its payload, cut where it is longer than
// p. A datagram may be empty: 0 without an error is one, and no end. Where the
// Conn was dialled, syscall.ECONNREFUSED says that the peer's host has answered
// an earlier Write with "port unreachable".
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 && !c.closed.Load() {
		return 0, nil // as net's: it takes no datagram
	}
	n, _, err := c.receive(p)
	if err != nil {
		return 0, c.opError("read", c.remoteAddr(), err)
	}
	return n, nil
}

// ReadFrom is Read that tells the sender, a *net.UDPAddr.
func (c *Conn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(p)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort is Read that tells the sender, without an allocation. An
// IPv4 sender is given as IPv4.
func (c *Conn) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	n, from, err := c.receive(p)
	if err != nil {
		return 0, netip.AddrPort{}, c.opError("read", c.remoteAddr(), err)
	}
	return n, stack.AddrPort(from), nil
}

func (c *Conn) receive(p []byte) (int, tcpip.FullAddress, error) {
	c.in.enter()
	defer c.in.leave()
	for {
		switch {
		case c.closed.Load():
			return 0, tcpip.FullAddress{}, net.ErrClosed
		case c.in.by.Expired():
			return 0, tcpip.FullAddress{}, os.ErrDeadlineExceeded
		}
		n, from, terr := c.take(p)
		c.host.Touch()
		switch terr.(type) {
		case nil:
			return n, from, nil
		case *tcpip.ErrWouldBlock:
			<-c.in.token
		case *tcpip.ErrClosedForReceive: // closed by us, or with its host
			return 0, tcpip.FullAddress{}, net.ErrClosed
		default:
			return 0, tcpip.FullAddress{}, os.NewSyscallError("read", stack.Errno(terr))
		}
	}
}

// take takes a datagram that is there already.
func (c *Conn) take(p []byte) (int, tcpip.FullAddress, tcpip.Error) {
	c.read.Lock()
	defer c.read.Unlock()
	c.into = datagram{room: p}
	res, terr := c.ep.Read(&c.into, tcpip.ReadOptions{NeedRemoteAddr: true})
	n := c.into.n
	c.into = datagram{}
	if terr != nil {
		return 0, tcpip.FullAddress{}, terr
	}
	c.guard.taken()
	return n, res.RemoteAddr, nil
}
