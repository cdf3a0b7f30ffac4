package tun

import (
	"errors"
	"os"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// WritePackets implements gVisor's LinkWriter. It does not wait: what the
// kernel does not take now is dropped and counted, as a network card's driver
// would. The number is of those sent before the first error.
func (d *Device) WritePackets(pkts gstack.PacketBufferList) (int, tcpip.Error) {
	for i, pkt := range pkts.AsSlice() {
		size := pkt.Size()
		if err := d.backend.write(pkt); err != nil {
			return i, d.refused(err)
		}
		d.count.outPackets.Add(1)
		d.count.outBytes.Add(uint64(size))
		if mss := int(pkt.GSOOptions.MSS); d.offload && mss != 0 && size-pkt.HeaderSize() > mss {
			d.count.outSuper.Add(1)
		}
	}
	return pkts.Len(), nil
}

// refused counts a write that failed, and gives the error as gVisor has it.
func (d *Device) refused(err error) tcpip.Error {
	switch {
	case errors.Is(err, os.ErrClosed):
		d.count.outClosed.Add(1)
		return &tcpip.ErrClosedForSend{}
	case errors.Is(err, syscall.EIO): // tun_get_user: the interface is not up
		d.count.outDown.Add(1)
		return &tcpip.ErrNetworkUnreachable{}
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		d.count.outFull.Add(1)
		return &tcpip.ErrNoBufferSpace{}
	}
	d.count.outFailed.Add(1)
	return &tcpip.ErrAborted{}
}
