package tcp

import (
	"io"
	"net"
	"os"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// TryRead is a Read that does not wait: where nothing has come it returns
// syscall.EAGAIN. It needs no goroutine, no buffer and no deadline of its own
// while a connection is idle; see OnReadable.
func (c *Conn) TryRead(p []byte) (int, error) {
	if !c.reading.tryTake() {
		return 0, c.opError("read", syscall.EAGAIN) // somebody is in Read: what comes is theirs
	}
	defer c.reading.give()
	switch {
	case c.closed.Load():
		return 0, c.opError("read", net.ErrClosed)
	case c.readBy.expired():
		return 0, c.opError("read", os.ErrDeadlineExceeded)
	case len(p) == 0:
		return 0, nil
	}
	n, terr := c.readOnce(p)
	switch terr.(type) {
	case nil:
		return n, nil
	case *tcpip.ErrWouldBlock:
		c.host.Touch()
		return 0, c.opError("read", syscall.EAGAIN)
	}
	err := c.readError(terr)
	if err == io.EOF {
		return 0, err
	}
	return 0, c.opError("read", err)
}

// OnReadable has f called once, on a goroutine of its own and with no lock held,
// when there is something to read: bytes, the peer's FIN, an error, or Close. It
// is called at once where there already is. A second OnReadable takes the place
// of one that was not called yet; nil takes it away.
func (c *Conn) OnReadable(f func()) {
	if f == nil {
		c.onReadable.Store(nil)
		return
	}
	c.onReadable.Store(&f)
	if c.closed.Load() || c.ep.Readiness(waiter.ReadableEvents|waiter.EventHUp|waiter.EventErr) != 0 {
		c.host.Wake(c.wakeOnReadable)
		return
	}
	c.host.Touch()
}

// becomeReadable calls who waits for it, on a goroutine of its own: this one may
// be the world's.
func (c *Conn) becomeReadable() {
	if f := c.onReadable.Swap(nil); f != nil {
		go (*f)()
	}
}
