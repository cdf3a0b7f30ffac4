package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// broadcast measures messages a second that arrive, when one connection has a
// message sent to all, the next when all have it. The client reads with a system
// call a message and little else, so that it is not what is measured.
func broadcast(dial dialFunc, conns int, payload []byte, seconds float64, use usageFunc) (figure, error) {
	g, err := newGatherer()
	if err != nil {
		return figure{}, err
	}
	defer g.close()
	clients, hello := make([]*client, conns), frame(0x82, []byte("hello"))
	for i := range clients {
		if clients[i], err = newClient(dial, ""); err != nil {
			return figure{}, err
		}
		defer clients[i].Close()
		// An echo says that the server has added it to those that get broadcasts.
		if _, err := clients[i].Write(hello); err != nil {
			return figure{}, err
		}
		if err := clients[i].await(1); err != nil {
			return figure{}, err
		}
		if err := g.add(clients[i].Conn); err != nil {
			return figure{}, err
		}
	}
	f := frame(0x82, payload)
	size := len(payload) + 2
	round := func() error {
		if _, err := clients[0].Write(f); err != nil {
			return err
		}
		return g.gather(size, conns)
	}
	if err := round(); err != nil {
		return figure{}, err
	}
	return use.during(func() (n int, err error) {
		for start := time.Now(); time.Since(start).Seconds() < seconds; n += conns {
			if err := round(); err != nil {
				return 0, err
			}
		}
		return n, nil
	})
}

// gatherer reads from many connections on one thread.
type gatherer struct {
	epoll  int
	got    map[int32]int // bytes of this round, by descriptor
	events []syscall.EpollEvent
	buf    []byte
}

func newGatherer() (*gatherer, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &gatherer{epoll: fd, got: make(map[int32]int), events: make([]syscall.EpollEvent, 256), buf: make([]byte, 4096)}, nil
}

func (g *gatherer) close() { syscall.Close(g.epoll) }

// add has a connection read from; nobody else may.
func (g *gatherer) add(conn net.Conn) error {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	var ctlErr error
	err = raw.Control(func(fd uintptr) {
		g.got[int32(fd)] = 0
		ctlErr = syscall.EpollCtl(g.epoll, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
	})
	if err == nil {
		err = os.NewSyscallError("epoll_ctl", ctlErr)
	}
	return err
}

// gather waits until each of conns connections has brought size bytes.
func (g *gatherer) gather(size, conns int) error {
	clear(g.got)
	for left := conns; left > 0; {
		n, err := syscall.EpollWait(g.epoll, g.events, 10_000)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("epoll_wait", err)
		case n == 0:
			return fmt.Errorf("%d of %d connections got nothing within 10 s", left, conns)
		}
		for _, e := range g.events[:n] {
			m, err := syscall.Read(int(e.Fd), g.buf)
			if err != nil || m == 0 {
				return fmt.Errorf("read %d: %w", m, os.NewSyscallError("read", err))
			}
			switch g.got[e.Fd] += m; {
			case g.got[e.Fd] == size:
				left--
			case g.got[e.Fd] > size:
				return fmt.Errorf("a connection got %d bytes, and not %d", g.got[e.Fd], size)
			}
		}
	}
	return nil
}
