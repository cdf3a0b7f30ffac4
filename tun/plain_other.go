//go:build !linux && !darwin && !windows

package tun

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/songgao/water"
)

func openWater(c Config) (*water.Interface, error) {
	return nil, fmt.Errorf("tun: device %q: no TUN or TAP driver is known for %s: %w", c.Name, runtime.GOOS, errors.ErrUnsupported)
}
