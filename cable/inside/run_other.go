//go:build !linux

package inside

import "syscall"

func dieWithUs() *syscall.SysProcAttr { return nil }
