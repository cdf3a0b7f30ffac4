package tun

import (
	"syscall"

	"github.com/songgao/water"
	"golang.org/x/sys/unix"
)

func openWater(c Config) (*water.Interface, error) {
	// water does not close its descriptor where the kernel refuses the device.
	// So the kernel is asked on a descriptor of ours first.
	fd, _, err := openTUN(c, 0)
	if err != nil {
		return nil, err
	}
	unix.Close(fd)

	// Nor does it ask for O_CLOEXEC: without the lock a process that is started
	// in between would keep the device open.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	w := water.Config{DeviceType: water.TUN, PlatformSpecificParams: water.PlatformSpecificParams{Name: c.Name}}
	if c.TAP {
		w.DeviceType = water.TAP
	}
	dev, err := water.New(w)
	if err != nil {
		return nil, refusedDevice(c, err)
	}
	if f, ok := dev.ReadWriteCloser.(syscall.Conn); ok {
		if raw, err := f.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { unix.CloseOnExec(int(fd)) })
		}
	}
	return dev, nil
}
