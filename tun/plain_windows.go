package tun

import (
	"fmt"

	"github.com/songgao/water"
)

// openWater opens a device of the tap-windows driver.
func openWater(c Config) (*water.Interface, error) {
	w := water.Config{DeviceType: water.TUN}
	if c.TAP {
		w.DeviceType = water.TAP
	}
	w.InterfaceName = c.Name
	w.ComponentID = "tap0901"
	w.Network = "192.168.1.10/24"
	dev, err := water.New(w)
	if err != nil {
		return nil, fmt.Errorf("tun: device %q: %w; it takes the tap-windows driver (tap0901)", c.Name, err)
	}
	return dev, nil
}
