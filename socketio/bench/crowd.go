package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// crowd is many clients that have joined, all of them on one thread that waits
// with epoll: a frame that they hear costs the load a read, one that they say a
// write, and no goroutine is woken.
type crowd struct {
	epoll   int
	clients []client
	heard   func(c *client, text []byte) // a Socket.IO packet, as it is on the wire
	pass    func(c *client)              // after all that one read brought; nil: nobody wants to know
	scratch [64 << 10]byte
	stopped atomic.Bool
	done    chan error // why the thread ended
}

// client is one of them.
type client struct {
	fd      int
	partial []byte // of a frame
	count   int    // whatever the load counts of what it heard in this read
}

// gather connects n clients.
func gather(addr string, n int) (*crowd, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	w := &crowd{epoll: epoll, clients: make([]client, n), done: make(chan error, 1)}
	for i := range w.clients {
		w.clients[i].fd = -1
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := w.add(i, addr); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		w.close()
		return nil, *err
	}
	return w, nil
}

func (w *crowd) add(i int, addr string) error {
	p, err := dial(addr)
	if err != nil {
		return err
	}
	defer p.conn.Close()
	raw, err := p.conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	c := &w.clients[i]
	c.partial = append(c.partial, p.got...)
	var dup error
	// The runtime's own epoll forgets the one that is closed.
	if err := raw.Control(func(fd uintptr) { c.fd, dup = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return err
	}
	if dup != nil {
		return os.NewSyscallError("fcntl", dup)
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}))
}

// start has the clients hear from now on.
func (w *crowd) start(heard func(*client, []byte), pass func(*client)) {
	w.heard, w.pass = heard, pass
	go func() {
		runtime.LockOSThread()
		w.done <- w.loop()
	}()
}

func (w *crowd) loop() error {
	var came [256]unix.EpollEvent
	for !w.stopped.Load() {
		n, err := unix.EpollWait(w.epoll, came[:], 100)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		for i := range max(0, n) {
			if err := w.read(&w.clients[came[i].Fd]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *crowd) read(c *client) error {
	n, err := unix.Read(c.fd, w.scratch[:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return errors.New("the server closed a connection")
	}
	b := w.scratch[:n]
	if len(c.partial) > 0 {
		c.partial = append(c.partial, b...)
		b = c.partial
	}
	for {
		text, rest, ok, err := cutFrame(b)
		if err != nil {
			return err
		}
		b = rest
		if !ok {
			break
		}
		switch {
		case text[0] == '4':
			w.heard(c, text[1:])
		case text[0] == '2':
			if err := c.say(pongFrame); err != nil {
				return err
			}
		}
	}
	c.partial = append(c.partial[:0], b...)
	if w.pass != nil {
		w.pass(c)
	}
	return nil
}

var pongFrame = textFrame("3")

// say sends frames. The socket's buffer is larger than all that a load has under
// way.
func (c *client) say(frames []byte) error {
	if n, err := unix.Write(c.fd, frames); n != len(frames) {
		return fmt.Errorf("%d of %d bytes written: %w", n, len(frames), err)
	}
	return nil
}

// close ends the clients, and says what went wrong before.
func (w *crowd) close() error {
	var err error
	if w.heard != nil {
		w.stopped.Store(true)
		err = <-w.done
	}
	unix.Close(w.epoll)
	for _, c := range w.clients {
		if c.fd >= 0 {
			unix.Close(c.fd)
		}
	}
	return err
}
