//go:build !unix

package ws

import (
	"net"
	"syscall"
)

// kernelConn is there on Unix only: elsewhere the read buffer is held while a read
// waits.
func kernelConn(net.Conn) syscall.RawConn { return nil }

func (c *Conn) fillKernel(bool) error { panic("ws: no kernelConn on this system") }

func (c *Conn) readKernel(*readBuffer, []byte, bool) (int, error) {
	panic("ws: no kernelConn on this system")
}

func (c *Conn) writeKernel([]byte) (int, error) { panic("ws: no kernelConn on this system") }
