//go:build unix

package ws

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// kernelConn is conn's descriptor where it is a socket of the kernel's; nil where
// it is not.
//
// Read through it, a connection has no buffer while it waits: the memory is taken
// when there is something to read. Written to through it, it needs a deadline only
// where the socket's buffer is full.
func kernelConn(conn net.Conn) syscall.RawConn {
	var raw syscall.RawConn
	var err error
	switch conn := conn.(type) {
	case *net.TCPConn:
		raw, err = conn.SyscallConn()
	case *net.UnixConn:
		raw, err = conn.SyscallConn()
	default:
		return nil
	}
	if err != nil {
		return nil // a closed one, which the first read finds out
	}
	return raw
}

// kernelCall is a read or a write under way, in a form that allocates nothing.
type kernelCall struct {
	in   *readBuffer // of a read; nil: it is to p
	p    []byte
	wait bool // a read's, for bytes to come
	n    int
	err  error

	read, write func(fd uintptr) bool // made once
}

var kernelCalls = sync.Pool{New: func() any {
	k := new(kernelCall)
	k.read, k.write = k.tryRead, k.tryWrite
	return k
}}

// fillKernel reads what there is into the read buffer. Where there is nothing it
// waits, or the error is syscall.EAGAIN. The errors are those of net.Conn's Read.
func (c *Conn) fillKernel(wait bool) error {
	_, err := c.readKernel(&c.in, nil, wait)
	return err
}

// readKernel is fillKernel into in or, where that is nil, into p.
func (c *Conn) readKernel(in *readBuffer, p []byte, wait bool) (int, error) {
	k := kernelCalls.Get().(*kernelCall)
	k.in, k.p, k.wait = in, p, wait
	err := c.kernel.Read(k.read)
	return c.kernelDone(k, "read", err)
}

// writeKernel writes what the socket takes of p at once; where that is not all, the
// error is syscall.EAGAIN. Other errors are those of net.Conn's Write.
func (c *Conn) writeKernel(p []byte) (int, error) {
	k := kernelCalls.Get().(*kernelCall)
	k.p = p
	err := c.kernel.Write(k.write)
	return c.kernelDone(k, "write", err)
}

func (c *Conn) kernelDone(k *kernelCall, op string, err error) (int, error) {
	n := k.n
	if err == nil {
		err = k.err
	}
	k.in, k.p, k.n, k.err = nil, nil, 0, nil
	kernelCalls.Put(k)
	if errno, ok := err.(syscall.Errno); ok && errno != syscall.EAGAIN {
		a := c.conn.LocalAddr()
		err = &net.OpError{Op: op, Net: a.Network(), Source: a, Addr: c.conn.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
	}
	return n, err
}

// tryRead is called by the runtime's poller: once at first, and then whenever there
// may be something to read.
func (k *kernelCall) tryRead(fd uintptr) (done bool) {
	space := k.p
	if k.in != nil {
		space = k.in.space(true)
	}
	n, err := 0, error(syscall.EINTR)
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), space)
	}
	if err == nil && n == 0 && len(space) > 0 {
		err = io.EOF
	}
	k.n, k.err = max(0, n), err
	switch {
	case k.in == nil:
	case err != nil:
		k.in.release()
	default:
		k.in.grew(n, len(space))
	}
	return err != syscall.EAGAIN || !k.wait
}

// tryWrite is called by the runtime's poller, and does not have it wait.
func (k *kernelCall) tryWrite(fd uintptr) (done bool) {
	n, err := 0, error(syscall.EINTR)
	for err == syscall.EINTR {
		n, err = syscall.Write(int(fd), k.p)
	}
	if err == nil && n < len(k.p) {
		err = syscall.EAGAIN
	}
	k.n, k.err = max(0, n), err
	return true
}
