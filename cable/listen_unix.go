//go:build unix

package cable

import (
	"net"
	"syscall"
)

// listenPrivate makes the socket with mode 0600 from the start: a chmod behind
// it would leave a moment for others. The mask is the whole process's; nothing
// else makes files while a cable is being joined.
func listenPrivate(path string) (net.Listener, error) {
	defer syscall.Umask(syscall.Umask(0o177))
	return net.Listen("unix", path)
}
