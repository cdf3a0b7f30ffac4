package tun

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// clone is the file each TUN and TAP device is made from.
const clone = "/dev/net/tun"

// openTUN makes the device that c describes, with further IFF_ flags, in the
// namespace of the thread it runs on.
func openTUN(c Config, flags uint16) (fd int, name string, err error) {
	fd, err = unix.Open(clone, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, "", noClone(err)
	}
	ifr, err := unix.NewIfreq(c.Name)
	if err != nil {
		unix.Close(fd)
		return -1, "", fmt.Errorf("tun: device name %q: %w", c.Name, err)
	}
	flags |= unix.IFF_NO_PI | unix.IFF_TUN
	if c.TAP {
		flags = flags&^unix.IFF_TUN | unix.IFF_TAP
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		unix.Close(fd)
		return -1, "", refusedDevice(c, err)
	}
	return fd, ifr.Name(), nil
}

// noClone says why /dev/net/tun could not be opened.
func noClone(err error) error {
	advice := ""
	switch {
	case errors.Is(err, unix.ENOENT):
		advice = "; load the driver (modprobe tun), or make the node (mkdir -p /dev/net && mknod /dev/net/tun c 10 200); in a container, pass it in (--device /dev/net/tun)"
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		advice = "; the kernel has no TUN driver loaded: modprobe tun"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		advice = "; run as root, or let users open it (chmod 0666 /dev/net/tun)"
	}
	return fmt.Errorf("tun: open %s: %w%s", clone, err, advice)
}

// refusedDevice says why the kernel did not make or give the device.
func refusedDevice(c Config, err error) error {
	kind := "TUN"
	if c.TAP {
		kind = "TAP"
	}
	what := fmt.Sprintf("%s device %s", kind, c.Name)
	if c.Name == "" {
		what = "a new " + kind + " device"
	}
	if c.Netns != "" {
		what += " in network namespace " + c.Netns
	}
	advice := ""
	switch {
	case errors.Is(err, unix.EPERM):
		advice = "; run as root (it takes CAP_NET_ADMIN in that network namespace)"
	case errors.Is(err, unix.EBUSY):
		advice = "; another process holds it: end that, or choose another name"
	case errors.Is(err, unix.EINVAL):
		advice = "; a network interface of that name exists and is no " + kind + " device (`ip -d link show`): choose another name"
	}
	return fmt.Errorf("tun: %s: %w%s", what, err, advice)
}

// readError is why nothing can be read any more. The runtime's poller calls a
// file "not pollable" when it has errors only: a TUN device (tun_chr_poll) that
// the kernel takes away. read(2) may say so, or still that there is nothing to
// read, while the kernel is about it.
func readError(conn syscall.RawConn, err error) error {
	if errors.Is(err, os.ErrClosed) {
		return err
	}
	var b [1]byte
	conn.Control(func(fd uintptr) {
		_, rerr := unix.Read(int(fd), b[:])
		switch {
		case rerr == unix.EAGAIN:
			err = unix.EBADFD // what it will say in a moment
		case rerr != nil:
			err = rerr
		}
	})
	return err
}
