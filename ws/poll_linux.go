package ws

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// canPoll says that the poller tells of connections of the kernel's.
const canPoll = true

// pollEntry is what the poller knows of a connection; under its mu.
type pollEntry struct {
	poller    *poller // nil: it is not watched yet, or not any more
	fd        int32   // where it is
	forgotten bool    // the connection is closed
}

// poller waits for many connections on one goroutine of its own, which is there
// while there are connections. Its epoll descriptor is in the runtime's poller
// itself, so that it needs no thread.
type poller struct {
	epoll *os.File
	fd    int // epoll's; while the file is open
	raw   syscall.RawConn
	conns []*events // by descriptor
	count int       // of conns that are not nil

	workers workers
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
	p := &poller{epoll: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if p.raw, err = p.epoll.SyscallConn(); err != nil {
		p.epoll.Close()
		return nil, err
	}
	go p.loop()
	return p, nil
}

// watch has wakeUp called whenever something comes, from now on.
func (e *events) watch() error {
	var err error
	// Until Control returns the descriptor is not closed, and so neither
	// forgotten nor the poller's last one.
	if rawErr := e.c.kernel.Control(func(fd uintptr) { err = e.poll.enter(e, int32(fd)) }); rawErr != nil {
		return rawErr
	}
	return err
}

const epollEdge = 1 << 31

// enter has epoll tell of the connection: once whenever something comes, so that it
// need not be asked again for each message.
func (w *pollEntry) enter(e *events, fd int32) (err error) {
	polling.mu.Lock()
	defer polling.mu.Unlock()
	if w.forgotten {
		return net.ErrClosed
	}
	if polling.p == nil {
		if polling.p, err = newPoller(); err != nil {
			return err
		}
	}
	p := polling.p
	w.poller, w.fd = p, fd
	if more := int(fd) + 1 - len(p.conns); more > 0 {
		p.conns = append(p.conns, make([]*events, more)...)
	}
	if p.conns[fd] == nil {
		p.count++
	}
	p.conns[fd] = e
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | epollEdge, Fd: fd}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, int(fd), &ev))
}

// forget takes a connection out whose descriptor is closed: the kernel has
// forgotten it already. The last one ends the poller.
func (w *pollEntry) forget() {
	polling.mu.Lock()
	defer polling.mu.Unlock()
	w.forgotten = true
	p := w.poller
	if p == nil {
		return
	}
	w.poller = nil
	if e := p.conns[w.fd]; e != nil && &e.poll == w { // it may be another's already
		p.conns[w.fd] = nil
		p.count--
	}
	if p.count == 0 && polling.p == p {
		polling.p = nil
		p.epoll.Close()
	}
}

// loop waits for events and hands the connections that they are of over.
func (p *poller) loop() {
	defer p.workers.close()
	came := make([]syscall.EpollEvent, 128)
	ready := make([]*events, 0, len(came))
	var n int
	var err error
	wait := func(fd uintptr) bool {
		n, err = syscall.EpollWait(int(fd), came, 0)
		return n > 0 || err != nil && !errors.Is(err, syscall.EINTR)
	}
	for {
		if p.raw.Read(wait) != nil {
			return // closed
		}
		if err != nil {
			panic(fmt.Sprintf("ws: epoll_wait: %v", err)) // it can only be a descriptor that is none
		}
		ready = p.ready(ready[:0], came[:n])
		for _, e := range ready {
			p.workers.serve(e)
		}
		clear(ready)
	}
}

// ready appends the connections that are to be served for what came.
func (p *poller) ready(ready []*events, came []syscall.EpollEvent) []*events {
	polling.mu.Lock()
	defer polling.mu.Unlock()
	for _, ev := range came {
		e := p.conns[ev.Fd]
		if e == nil {
			continue
		}
		if ev.Events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
			e.turn.Or(turnHangUp)
		}
		if e.begin() {
			ready = append(ready, e)
		}
	}
	return ready
}
