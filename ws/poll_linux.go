package ws

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// readinessOf is how c says that there is something to read; nil where it cannot.
func readinessOf(c *Conn) Readiness {
	if r, ok := c.conn.(Readiness); ok {
		return r
	}
	if c.kernel != nil {
		p := &polledConn{kernel: c.kernel}
		p.arm = func(fd uintptr) { p.armErr = p.watch(int32(fd)) }
		return p
	}
	return nil
}

// polledConn is a connection of the kernel's whose readiness the poller watches.
// Its fields but the first are under the poller's mu.
type polledConn struct {
	kernel *kernelReader
	arm    func(fd uintptr) // watches once more; made once
	armErr error
	poller *poller // nil: it is not watched yet
	fd     int32   // where it is
	onRead func()  // nil: nobody waits

	forgotten bool // the connection is closed
}

var _ Readiness = (*polledConn)(nil)

func (p *polledConn) tryFill(in *readBuffer) error { return p.kernel.tryFill(in) }

// TryRead implements [Readiness].
func (p *polledConn) TryRead(b []byte) (n int, err error) {
	rawErr := p.kernel.raw.Read(func(fd uintptr) bool {
		err = syscall.EINTR
		for err == syscall.EINTR {
			n, err = syscall.Read(int(fd), b)
		}
		return true
	})
	switch {
	case rawErr != nil:
		return 0, rawErr
	case err != nil:
		return 0, p.kernel.opError(err)
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// OnReadable implements [Readiness].
func (p *polledConn) OnReadable(f func()) {
	polling.mu.Lock()
	p.onRead = f
	err := p.kernel.raw.Control(p.arm)
	if err == nil {
		err = p.armErr
	}
	if err != nil {
		p.onRead = nil
	}
	polling.mu.Unlock()
	if err != nil {
		go f() // a closed connection: the read says so
	}
}

// poller waits for many connections on one goroutine of its own, which is there
// while there are connections. Its epoll descriptor is in the runtime's poller
// itself, so that it needs no thread.
type poller struct {
	epoll *os.File
	fd    int // epoll's; while the file is open
	raw   syscall.RawConn
	conns map[int32]*polledConn // by descriptor
}

// polling is the process's poller; nil while there is no connection to watch.
var polling struct {
	mu sync.Mutex
	p  *poller
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &poller{epoll: os.NewFile(uintptr(fd), "epoll"), fd: fd, conns: make(map[int32]*polledConn)}
	if p.raw, err = p.epoll.SyscallConn(); err != nil {
		p.epoll.Close()
		return nil, err
	}
	go p.loop()
	return p, nil
}

// watch has c's onRead called when there is something to read on fd. The caller
// has the poller's mu.
func (c *polledConn) watch(fd int32) error {
	if c.forgotten {
		return net.ErrClosed
	}
	if polling.p == nil {
		p, err := newPoller()
		if err != nil {
			return err
		}
		polling.p = p
	}
	op := syscall.EPOLL_CTL_MOD
	if c.poller == nil {
		op = syscall.EPOLL_CTL_ADD
		c.poller, c.fd = polling.p, fd
		c.poller.conns[fd] = c
	}
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | epollOneShot, Fd: fd}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.poller.fd, op, int(fd), &ev))
}

const epollOneShot = 1 << 30

// forget takes a connection out whose descriptor is closed: the kernel has
// forgotten it already. The last one ends the poller.
func (c *polledConn) forget() {
	polling.mu.Lock()
	defer polling.mu.Unlock()
	c.forgotten = true
	p := c.poller
	if p == nil {
		return
	}
	c.poller, c.onRead = nil, nil
	if p.conns[c.fd] == c { // it may be another's already
		delete(p.conns, c.fd)
	}
	if len(p.conns) == 0 && polling.p == p {
		polling.p = nil
		p.epoll.Close()
	}
}

// loop waits for events and hands the connections over, each to a goroutine.
func (p *poller) loop() {
	events := make([]syscall.EpollEvent, 128)
	calls := make([]func(), 0, len(events))
	var n int
	var err error
	wait := func(fd uintptr) bool {
		n, err = syscall.EpollWait(int(fd), events, 0)
		return n > 0 || err != nil && !errors.Is(err, syscall.EINTR)
	}
	for {
		if p.raw.Read(wait) != nil {
			return // closed
		}
		if err != nil {
			panic(fmt.Sprintf("ws: epoll_wait: %v", err)) // it can only be a descriptor that is none
		}
		calls = p.ready(calls[:0], events[:n])
		for _, f := range calls {
			go f()
		}
	}
}

// ready appends what to call for events.
func (p *poller) ready(calls []func(), events []syscall.EpollEvent) []func() {
	polling.mu.Lock()
	defer polling.mu.Unlock()
	for _, ev := range events {
		if c := p.conns[ev.Fd]; c != nil && c.onRead != nil {
			calls = append(calls, c.onRead)
			c.onRead = nil
		}
	}
	return calls
}
