package tun

import (
	"io"
	"sync"
	"syscall"

	"github.com/songgao/water"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/tun/internal/netns"
)

// plain is a device of songgao/water: one packet a read or write, no offloads,
// on every system that water knows.
type plain struct {
	dev  io.ReadWriteCloser
	flat sync.Pool // *[]byte: packets of several views, made one for the write
}

func openPlain(c Config) (backend, string, error) {
	var dev *water.Interface
	err := netns.Do(c.Netns, func() (err error) {
		dev, err = openWater(c)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return newPlain(dev.ReadWriteCloser), dev.Name(), nil
}

// newPlain takes over dev, which is what is inside of a water.Interface.
func newPlain(dev io.ReadWriteCloser) *plain {
	return &plain{dev: dev, flat: sync.Pool{New: func() any { return new([]byte) }}}
}

func (p *plain) read(in *inbox) (int, virtioHeader, error) {
	n, err := p.dev.Read(in.space())
	if f, ok := p.dev.(syscall.Conn); ok && err != nil {
		if conn, cerr := f.SyscallConn(); cerr == nil {
			err = readError(conn, err)
		}
	}
	return n, virtioHeader{}, err
}

func (p *plain) write(pkt *gstack.PacketBuffer) error {
	views, offset := pkt.AsViewList()
	v := views.Front()
	for v != nil && offset >= v.Size() {
		offset -= v.Size()
		v = v.Next()
	}
	if v != nil && v.Next() == nil { // as an ACK is: nothing to put together
		_, err := p.dev.Write(v.AsSlice()[offset:])
		return err
	}
	flat := p.flat.Get().(*[]byte)
	defer p.flat.Put(flat)
	b := (*flat)[:0]
	for ; v != nil; v = v.Next() {
		b = append(b, v.AsSlice()[offset:]...)
		offset = 0
	}
	*flat = b
	_, err := p.dev.Write(b)
	return err
}

func (p *plain) close() error { return p.dev.Close() }
