//go:build !linux

package tun

import "syscall"

// readError is why nothing can be read any more.
func readError(_ syscall.RawConn, err error) error { return err }
