// Package netns runs a function inside another network namespace while the
// process stays where it is. What the function opens (a TUN device, a netlink
// socket) belongs to that namespace for as long as it is open, and can be used
// from anywhere.
//
//	err := netns.Do("blue", func() error { // /run/netns/blue
//		fd, err = unix.Open("/dev/net/tun", unix.O_RDWR, 0)
//		return err
//	})
package netns
