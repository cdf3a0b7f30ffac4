//go:build !linux

package tun

import (
	"fmt"
	"runtime"
)

func openOffload(Config) (backend, string, error) {
	return nil, "", fmt.Errorf("tun: %s: %w (Linux only)", runtime.GOOS, errNoOffload)
}
