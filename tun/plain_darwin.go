package tun

import (
	"fmt"

	"github.com/songgao/water"
)

// openWater opens a utun device of macOS (named utunN), or a tap of tuntaposx.
func openWater(c Config) (*water.Interface, error) {
	w := water.Config{DeviceType: water.TUN, PlatformSpecificParams: water.PlatformSpecificParams{Name: c.Name}}
	if c.TAP {
		w.DeviceType = water.TAP
		w.Driver = water.MacOSDriverTunTapOSX
	}
	dev, err := water.New(w)
	if err != nil {
		return nil, fmt.Errorf("tun: device %q: %w; a TUN device is called utun0, utun1, … or nothing, a TAP device needs tuntaposx and is called tap0, tap1, …", c.Name, err)
	}
	return dev, nil
}
