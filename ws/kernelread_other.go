//go:build !unix

package ws

import "net"

// kernelReader is there on Unix only: elsewhere the read buffer is held while a
// read waits.
type kernelReader struct{}

func newKernelReader(net.Conn) *kernelReader { return nil }

func (*kernelReader) fill(*readBuffer) error    { panic("ws: no kernelReader on this system") }
func (*kernelReader) tryFill(*readBuffer) error { panic("ws: no kernelReader on this system") }
