package tun

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/tun/internal/netns"
)

// offloads is what the kernel is told that we can take: packets whose checksum
// is not complete, and TCP segments larger than the MTU.
const offloads = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6

// offload is a device with IFF_VNET_HDR: each packet has a virtio header before
// it, and may be a super-segment of up to 64 KiB.
type offload struct {
	file *os.File
	conn syscall.RawConn
	fd   int

	// Reading; all of one goroutine.
	head    [virtioHeaderSize]byte
	iov     [3]unix.Iovec
	tryRead func(uintptr) bool
	n       int
	errno   syscall.Errno
	tries   int // before it sleeps

	// Writing; mu keeps the descriptor open under writers.
	mu     sync.RWMutex
	closed bool
	out    sync.Pool // *outgoing
}

func openOffload(c Config) (backend, string, error) {
	var o *offload
	var name string
	err := netns.Do(c.Netns, func() error {
		fd, got, err := openTUN(c, unix.IFF_VNET_HDR)
		if err != nil {
			return err
		}
		if err := setOffload(fd); err != nil {
			unix.Close(fd)
			return fmt.Errorf("tun: device %s: %w", got, err)
		}
		name = got
		o, err = newOffload(fd)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return o, name, nil
}

// setOffload is a variable so that a test can be a kernel without offloads.
var setOffload = func(fd int) error {
	if err := unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, virtioHeaderSize); err != nil {
		return noOffload("the kernel refuses offloads (TUNSETVNETHDRSZ: " + err.Error() + ")")
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads); err != nil {
		return noOffload("the kernel refuses offloads (TUNSETOFFLOAD: " + err.Error() + ")")
	}
	return nil
}

// moreReads is how often the device is asked for more behind a super-segment before
// the reader sleeps: for some 50 µs, where nobody else has anything to do. Bulk
// goes on, and a kernel that finds its reader awake is spared waking it for each
// 64 KiB, which takes a quarter of the sender's time.
const moreReads = 128

// newOffload takes over fd, which is in non-blocking mode.
func newOffload(fd int) (*offload, error) {
	o := &offload{fd: fd, file: os.NewFile(uintptr(fd), clone)}
	conn, err := o.file.SyscallConn()
	if err != nil {
		o.file.Close()
		return nil, fmt.Errorf("tun: %w", err)
	}
	o.conn = conn
	o.tryRead = o.readv // once: a method value is an allocation
	o.iov[0] = iovec(o.head[:])
	o.out.New = func() any { return new(outgoing) }
	return o, nil
}

// read waits in the runtime's poller. Measured beside a thread of its own that
// blocks in poll(2): the same throughput and round trips where there are two
// processors; on one, the poller wakes the reader ten times as fast, because
// the runtime need not first take its processor back from the blocked thread.
func (o *offload) read(in *inbox) (int, virtioHeader, error) {
	o.iov[1] = iovec(in.space())
	o.iov[2] = iovec(in.tail[:])
	var h virtioHeader
	if err := o.conn.Read(o.tryRead); err != nil {
		return 0, h, readError(o.conn, err)
	}
	switch {
	case o.errno != 0:
		return 0, h, o.errno
	case o.n < virtioHeaderSize:
		return 0, h, fmt.Errorf("read %d bytes: no virtio header", o.n)
	}
	h.decode(o.head[:])
	o.tries = 0
	if h.gsoType != virtioGSONone {
		o.tries = moreReads
	}
	return o.n - virtioHeaderSize, h, nil
}

// readv reads what is there; false: nothing. A raw system call, which the
// runtime is not told of: it copies one packet and does not wait, so it is over
// before the scheduler could do anything useful about it.
func (o *offload) readv(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READV, fd, uintptr(unsafe.Pointer(&o.iov)), uintptr(len(o.iov)))
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			if o.tries == 0 {
				return false
			}
			o.tries--
			runtime.Gosched()
			continue
		}
		o.n, o.errno = int(n), errno
		return true
	}
}

// outgoing is what one writev needs.
type outgoing struct {
	head [virtioHeaderSize]byte
	iov  []unix.Iovec
}

// maxIovec is UIO_MAXIOV: the kernel takes no more pieces in one writev.
const maxIovec = 1024

func (o *offload) write(pkt *gstack.PacketBuffer) error {
	out := o.out.Get().(*outgoing)
	defer o.out.Put(out)
	h := headerFor(pkt)
	h.encode(out.head[:])
	iov := append(out.iov[:0], iovec(out.head[:]))
	views, offset := pkt.AsViewList()
	for v := views.Front(); v != nil; v = v.Next() {
		b := v.AsSlice()
		if offset >= len(b) {
			offset -= len(b)
			continue
		}
		b = b[offset:]
		offset = 0
		if len(iov) == maxIovec { // made of very small writes: one piece of them all
			flat := pkt.ToView()
			defer flat.Release()
			iov = append(iov[:1], iovec(flat.AsSlice()))
			break
		}
		iov = append(iov, iovec(b))
	}
	out.iov = iov
	defer clear(iov) // the pool keeps no packet alive

	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.closed {
		return os.ErrClosed
	}
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(o.fd), uintptr(unsafe.Pointer(&iov[0])), uintptr(len(iov)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

func (o *offload) close() error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	return o.file.Close()
}

func iovec(b []byte) unix.Iovec {
	v := unix.Iovec{Base: unsafe.SliceData(b)}
	v.SetLen(len(b))
	return v
}
