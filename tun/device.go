package tun

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Device is an open TUN or TAP device, and a link endpoint of gVisor's stack:
// what the stack sends is written to the device, and what the kernel sends to
// the device is handed to the stack, on one goroutine that starts when a stack
// is attached. All methods may be called from any goroutine.
type Device struct {
	name    string
	tap     bool
	offload bool
	backend backend

	mtu        atomic.Uint32
	address    atomic.Pointer[tcpip.LinkAddress]
	dispatcher atomic.Pointer[gstack.NetworkDispatcher]
	count      counters

	mu      sync.Mutex // for what follows, and the change of dispatcher
	reading bool       // the reader was started
	closed  bool
	onClose func()
	err     error // why the reader ended, before Close

	done chan struct{} // closed when the device is of no use any more
	end  sync.Once     // closes done
	gone sync.WaitGroup
}

var (
	_ gstack.LinkEndpoint = (*Device)(nil)
	_ gstack.GSOEndpoint  = (*Device)(nil)
)

// backend is the open device as a [Device] uses it: read by one goroutine at a
// time, written to by many.
type backend interface {
	// read waits for a packet, and leaves its n bytes in the inbox.
	// os.ErrClosed after close.
	read(*inbox) (n int, h virtioHeader, err error)

	// write sends one packet, and keeps nothing of it.
	write(*gstack.PacketBuffer) error

	// close makes read return, and the kernel forget the device.
	close() error
}

// Open opens the device that c describes; whatever fails leaves nothing behind.
// The errors are one line each, saying what to do; they answer errors.Is to
// fs.ErrPermission, fs.ErrNotExist, syscall.EBUSY and errors.ErrUnsupported.
//
// The kernel's side of the device has no address yet and is down: that is what
// package netconf is for. Close the Device, or the stack it is attached to.
func Open(c Config) (*Device, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	b, name, offload, err := open(c)
	if err != nil {
		return nil, err
	}
	return newDevice(c, b, name, offload), nil
}

// open chooses the backend.
func open(c Config) (b backend, name string, offload bool, err error) {
	if c.Offload != Off {
		b, name, err = openOffload(c)
		switch {
		case err == nil:
			return b, name, true, nil
		case c.Offload == On || !errors.As(err, new(noOffload)):
			return nil, "", false, err
		}
	}
	why := err
	b, name, err = openPlain(c)
	if err == nil && why != nil && c.Warn != nil {
		c.Warn(fmt.Sprintf("%v; going on with one packet a read: correct, but several times slower", why))
	}
	return b, name, false, err
}

// noOffload is the error of openOffload where [Auto] goes on without: who
// refuses offloads, and how.
type noOffload string

func (n noOffload) Error() string        { return string(n) }
func (n noOffload) Is(target error) bool { return target == errors.ErrUnsupported }

func newDevice(c Config, b backend, name string, offload bool) *Device {
	d := &Device{name: name, tap: c.TAP, offload: offload, backend: b, done: make(chan struct{})}
	d.mtu.Store(uint32(c.MTU))
	d.SetLinkAddress(tcpip.LinkAddress(c.MAC))
	return d
}

// Name is the network interface's, as the kernel has it.
func (d *Device) Name() string { return d.name }

// TAP reports whether the device carries Ethernet frames.
func (d *Device) TAP() bool { return d.tap }

// Offload reports whether packets of many segments cross the device whole.
func (d *Device) Offload() bool { return d.offload }

// Stats is what crossed the device until now.
func (d *Device) Stats() Stats { return d.count.snapshot() }

// Done is closed when the device carries nothing any more: it was closed, or
// the kernel took it away (`ip link delete`).
func (d *Device) Done() <-chan struct{} { return d.done }

// Err is nil until Done is closed; then it is os.ErrClosed after Close, or what
// went wrong.
func (d *Device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Close makes the kernel forget the device, ends the reader, and returns when
// that is gone. Calling it again waits for the same and does nothing else.
// gVisor's LinkEndpoint wants it without an error; there is none that a caller
// could do anything about. It must not be called by what runs on the reader: a
// packet filter, or a callback of the stack on a packet's arrival.
func (d *Device) Close() {
	d.mu.Lock()
	first := !d.closed
	d.closed = true
	if d.err == nil {
		d.err = os.ErrClosed
	}
	action := d.onClose
	d.onClose = nil
	d.mu.Unlock()
	if first {
		d.backend.close()
	}
	d.gone.Wait()
	d.end.Do(func() { close(d.done) })
	if action != nil {
		action() // gVisor's removes the interface from the stack, and calls Close again
	}
}

// Attach implements gVisor's LinkEndpoint: nil detaches. Packets that come
// while nothing is attached wait in the kernel before the first attachment;
// later ones are dropped and counted.
func (d *Device) Attach(to gstack.NetworkDispatcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if to == nil {
		d.dispatcher.Store(nil)
		return
	}
	d.dispatcher.Store(&to)
	if !d.reading && !d.closed {
		d.reading = true
		d.gone.Add(1)
		go d.readLoop()
	}
}

// IsAttached implements gVisor's LinkEndpoint.
func (d *Device) IsAttached() bool { return d.dispatcher.Load() != nil }

// Wait implements gVisor's LinkEndpoint. It returns at once: gVisor calls it
// under the stack's lock, which the reader may be waiting for. It is Close that
// waits.
func (d *Device) Wait() {}

// MTU is the largest IP packet that the stack sends, in bytes.
func (d *Device) MTU() uint32 { return d.mtu.Load() }

// SetMTU changes the largest IP packet that the stack sends, in bytes; not the
// kernel's side. It is kept within what the device can carry.
func (d *Device) SetMTU(mtu uint32) {
	most := uint32(MaxMTU)
	if d.tap {
		most = MaxMTUTAP
	}
	d.mtu.Store(min(max(mtu, MinMTU), most))
}

// LinkAddress is our MAC in 6 bytes on TAP, empty on TUN.
func (d *Device) LinkAddress() tcpip.LinkAddress { return *d.address.Load() }

// SetLinkAddress changes what [Device.LinkAddress] gives. Empty on TAP makes the
// device a port and no station: it takes the frames for all addresses, as a
// cable's end or a switch's port must.
func (d *Device) SetLinkAddress(a tcpip.LinkAddress) { d.address.Store(&a) }

// Capabilities implements gVisor's LinkEndpoint. Checksums of what comes in are
// the device's business with offload. Those of what goes out are not, in
// general: only packets that say so (GSOOptions.NeedsCsum) have one that the
// kernel completes; a SYN-ACK does not say so and must come complete.
func (d *Device) Capabilities() gstack.LinkEndpointCapabilities {
	var c gstack.LinkEndpointCapabilities
	if d.tap {
		c |= gstack.CapabilityResolutionRequired
	}
	if d.offload {
		c |= gstack.CapabilityRXChecksumOffload
	}
	return c
}

// SupportedGSO implements gVisor's GSOEndpoint.
func (d *Device) SupportedGSO() gstack.SupportedGSO {
	if d.offload {
		return gstack.HostGSOSupported
	}
	return gstack.GSONotSupported
}

// GSOMaxSize is the largest super-segment, in bytes: what IPv4's total length
// can say.
func (d *Device) GSOMaxSize() uint32 {
	if d.offload {
		return MaxMTU
	}
	return 0
}

// MaxHeaderLength implements gVisor's LinkEndpoint: 14 on TAP, 0 on TUN.
func (d *Device) MaxHeaderLength() uint16 {
	if d.tap {
		return ethernetHeader
	}
	return 0
}

// ARPHardwareType implements gVisor's LinkEndpoint.
func (d *Device) ARPHardwareType() header.ARPHardwareType {
	if d.tap {
		return header.ARPHardwareEther
	}
	return header.ARPHardwareNone
}

// SetOnCloseAction implements gVisor's LinkEndpoint: f is called once, by Close,
// when nothing is read any more.
func (d *Device) SetOnCloseAction(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onClose = f
}
