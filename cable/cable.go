package cable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/cable/capture"
	"strata/cable/inside"
	"strata/clock"
	"strata/link"
	"strata/tun"
	"strata/tun/netconf"
)

// Run joins the two sides until ctx ends or, with a Command, until that has
// ended; what it returned is then an *exec.ExitError. Other errors are one line
// each. Nothing is left behind.
func Run(ctx context.Context, c Config) error {
	note, err := c.validate()
	if err != nil {
		return err
	}
	j, err := join(&c)
	if err != nil {
		return err
	}
	j.report.ready(j, note)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	command, ended := inside.Run(ctx, c.A.Netns, c.Command)
	select {
	case <-ctx.Done():
	case err = <-command:
	case <-j.a.dev.Done():
		err = j.a.gone()
	case <-j.b.dev.Done():
		err = j.b.gone()
	}
	cancel() // whatever it was that has ended, the command ends with it
	cerr := j.close()
	ended()
	j.report.closed(j)
	return cmp.Or(err, cerr)
}

// joint is all that lies between the two kernels.
type joint struct {
	config  *Config
	report  reporter
	a, b    end
	wire    *link.Wire
	capture *capture.File // nil without
	control *control      // nil without
}

// end is one side: its device, and the cord from there to the wire.
type end struct {
	Side
	dev  *tun.Device
	cord *link.Cord // X is the device
}

func (e *end) gone() error {
	return fmt.Errorf("%s in network namespace %s: %w", e.Device, e.where(), cmp.Or(e.dev.Err(), errors.New("the device is gone")))
}

func join(c *Config) (_ *joint, err error) {
	j := &joint{config: c, report: reporter{json: c.JSON, out: c.Stdout}, a: end{Side: c.A}, b: end{Side: c.B}}
	defer func() {
		if err != nil {
			j.abandon()
		}
	}()
	for _, e := range []*end{&j.a, &j.b} {
		e.dev, err = tun.Open(tun.Config{
			Name: e.Device, TAP: c.TAP, MTU: c.MTU, Offload: c.Offload, Netns: e.Netns,
			Warn: func(w string) { fmt.Fprintln(c.Stderr, "strata: "+w) },
		})
		if err != nil {
			return nil, err
		}
		e.Device = e.dev.Name()
	}
	loop := clock.Real()
	j.wire = link.NewWire(link.WireConfig{
		Loop: loop, Name: "cable", Seed: c.Seed, AB: c.Shape, BA: c.Back, Ethernet: c.TAP, MTU: uint32(c.MTU),
		NoOffload: !j.a.dev.Offload() && !j.b.dev.Offload(),
	})
	if c.Capture != "" {
		if j.capture, err = capture.Create(c.Capture, loop); err != nil {
			return nil, fmt.Errorf("--pcap: %w", err)
		}
	}
	for _, e := range []*end{&j.a, &j.b} {
		at := j.wire.A()
		if e == &j.b {
			at = j.wire.B()
		}
		var dev gstack.LinkEndpoint = e.dev
		if j.capture != nil {
			see, err := j.capture.Interface(filepath.Base(e.where())+" "+e.Device, "the end in network namespace "+e.where(), c.TAP)
			if err != nil {
				return nil, fmt.Errorf("--pcap: %w", err)
			}
			tap := link.NewTap(dev)
			tap.Listen(see)
			dev = tap
		}
		e.cord = link.Patch(dev, at)
	}
	if c.Control != "" {
		if j.control, err = listen(c.Control, j.wire); err != nil {
			return nil, err
		}
	}
	// Last: now packets may come.
	for _, e := range []*end{&j.a, &j.b} {
		if err := netconf.Configure(e.Netns, e.Device, netconf.Config{MTU: c.MTU, Addrs: e.Addrs, Up: true}); err != nil {
			return nil, err
		}
	}
	if j.capture != nil {
		if err := j.capture.Begin(); err != nil {
			return nil, fmt.Errorf("--pcap: %w", err)
		}
	}
	return j, nil
}

// close ends everything, and returns when nothing of it moves any more. The wire
// goes first, so that its counters say what was still under way.
func (j *joint) close() error {
	if j.control != nil {
		j.control.close()
	}
	if j.wire != nil {
		_ = j.wire.Close()
	}
	for _, e := range []*end{&j.a, &j.b} {
		if e.cord != nil {
			_ = e.cord.Close()
		}
		if e.dev != nil {
			e.dev.Close()
		}
	}
	if j.capture != nil {
		err := j.capture.Close()
		if n := j.capture.Missing(); n > 0 {
			fmt.Fprintf(j.config.Stderr, "strata: --pcap %s: %d packets are missing: it was slower than the wire\n", j.config.Capture, n)
		}
		if err != nil {
			return fmt.Errorf("--pcap: %w", err)
		}
	}
	return nil
}

// abandon ends what join had begun.
func (j *joint) abandon() {
	_ = j.close()
	if j.capture != nil {
		j.capture.Discard()
	}
}

// addrs are prefixes without their length.
func addrs(prefixes []netip.Prefix) []netip.Addr {
	var all []netip.Addr
	for _, p := range prefixes {
		all = append(all, p.Addr())
	}
	return all
}
