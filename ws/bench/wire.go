package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// onWire has measure run on two hosts of ours that a wire in memory joins.
func onWire(measure func(ln net.Listener, dial dialFunc) error) error {
	w := link.NewWire(link.WireConfig{})
	defer w.Close()
	client, host := stack.New(stack.Config{Name: "client"}), stack.New(stack.Config{Name: "server"})
	defer client.Close()
	defer host.Close()
	if _, err := client.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24")); err != nil {
		return err
	}
	if _, err := host.Attach(w.B(), netip.MustParsePrefix("10.0.0.2/24")); err != nil {
		return err
	}
	ln, err := tcp.Listen(host, "tcp", "10.0.0.2:80")
	if err != nil {
		return err
	}
	defer ln.Close()
	return measure(ln, func() (net.Conn, error) {
		return (&tcp.Dialer{Host: client}).Dial("tcp", "10.0.0.2:80")
	})
}

func overWire(s server, l load) (f figure, err error) {
	err = onWire(func(ln net.Listener, dial dialFunc) (err error) {
		go s.serve(ln, serverOptions{})
		f, err = l.run(dial, nil)
		return err
	})
	return f, err
}

// idleOnWire prints what a connection over the wire costs that echoed one message
// and is idle: both ends of TCP, and the server's WebSocket.
func idleOnWire(conns int) error {
	fmt.Printf("memory of an idle connection over the wire in memory after one echo of 64 B (%d connections), both ends of TCP, and allocations of all of it a message\n", conns)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "server\theap B\tstack B\tallocations, 64 B\t")
	for _, s := range append([]server{held}, servers...) {
		if s.noLibrary && s.name != held.name {
			continue
		}
		var heap, stack int64
		allocs := "-"
		err := onWire(func(ln net.Listener, dial dialFunc) (err error) {
			go s.serve(ln, serverOptions{})
			if heap, stack, err = heldMemory(dial, conns); err != nil || s.noLibrary {
				return err
			}
			n, err := allocationsOf(dial, 64, func(bool) (usage, error) { return ownUsage(), nil })
			allocs = fmt.Sprintf("%.2f", n)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t\n", s.name, heap, stack, allocs)
	}
	w.Flush()
	fmt.Println()
	return nil
}

// heldMemory is what each of conns connections of this process takes.
func heldMemory(dial dialFunc, conns int) (heap, stack int64, err error) {
	f := frame(0x82, make([]byte, 64))
	one := func() (net.Conn, error) {
		c, err := newClient(dial, "")
		if err != nil {
			return nil, err
		}
		if _, err := c.Write(f); err != nil {
			return nil, err
		}
		return c.Conn, c.await(1) // without the client's buffer
	}
	warm, err := one()
	if err != nil {
		return 0, 0, err
	}
	defer warm.Close()
	settle := func() usage {
		time.Sleep(50 * time.Millisecond) // what is on its way out gets there
		runtime.GC()
		runtime.GC()
		return ownUsage()
	}
	before := settle()
	for range conns {
		c, err := one()
		if err != nil {
			return 0, 0, err
		}
		defer c.Close()
	}
	after := settle()
	return int64(after.heap-before.heap) / int64(conns), int64(after.stacks-before.stacks) / int64(conns), nil
}
