//go:build unix

package ws

import (
	"io"
	"net"
	"os"
	"syscall"
)

// kernelReader reads from a connection of the kernel's without holding a buffer
// while it waits: the memory is taken when there is something to read.
type kernelReader struct {
	conn net.Conn
	raw  syscall.RawConn
	in   *readBuffer // of the fill under way
	wait bool        // for bytes to come; otherwise there may be none
	err  error
	step func(fd uintptr) bool // read, made once
}

func newKernelReader(conn net.Conn) *kernelReader {
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
	k := &kernelReader{conn: conn, raw: raw}
	k.step = k.read
	return k
}

// fill reads what there is into in, waiting for it. The errors are those of
// net.Conn's Read.
func (k *kernelReader) fill(in *readBuffer) error { return k.fillWaiting(in, true) }

// tryFill is fill without waiting: where there is nothing the error is
// syscall.EAGAIN.
func (k *kernelReader) tryFill(in *readBuffer) error { return k.fillWaiting(in, false) }

func (k *kernelReader) fillWaiting(in *readBuffer, wait bool) error {
	k.in, k.wait, k.err = in, wait, nil
	err := k.raw.Read(k.step)
	k.in = nil
	if err != nil {
		return err
	}
	return k.err
}

// read is called by the runtime's poller: once at first, and then whenever there
// may be something to read.
func (k *kernelReader) read(fd uintptr) (done bool) {
	space := k.in.space(true)
	n, err := 0, error(syscall.EINTR)
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), space)
	}
	switch {
	case err == syscall.EAGAIN:
		k.in.release()
		k.err = err
		return !k.wait
	case err != nil:
		k.in.release()
		k.err = k.opError(err)
	case n == 0:
		k.in.release()
		k.err = io.EOF
	default:
		k.err = nil
		k.in.grew(n, len(space))
	}
	return true
}

// opError is a system call's error as net.Conn's Read has it.
func (k *kernelReader) opError(err error) error {
	a := k.conn.LocalAddr()
	return &net.OpError{Op: "read", Net: a.Network(), Source: a, Addr: k.conn.RemoteAddr(), Err: os.NewSyscallError("read", err)}
}
