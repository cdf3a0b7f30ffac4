//go:build !linux

package tun

import (
	"fmt"
	"runtime"
)

func openOffload(Config) (backend, string, error) {
	return nil, "", fmt.Errorf("tun: %w", noOffload("there are no offloads on "+runtime.GOOS+", only on Linux"))
}
