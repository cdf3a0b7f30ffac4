package main

import (
	"bytes"
	"compress/flate"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// kind is what a row of the table measures.
type kind struct {
	name   string
	unit   string
	load   load
	scale  float64 // messages a second to the unit
	wanted string
	rounds int
	pinned bool // client and server on one processor
}

func main() {
	quick := flag.Bool("quick", false, "under a minute, and less exact")
	among := flag.String("servers", "", "only servers whose names are in this list, such as strata/event,gws")
	only := flag.String("only", "", "only rows whose name contains this")
	serve := flag.String("serve", "", "be a server (for this command's own use)")
	bits := flag.Int("bits", 15, "window bits of -serve")
	compressed := flag.Bool("compressed", false, "compression of -serve")
	flag.StringVar(&profile, "profile", "", "write a processor profile of each server to this file and its name")
	flag.Parse()
	if *serve != "" {
		runChild(*serve, serverOptions{compressed: *compressed, bits: *bits})
		return
	}
	if *among != "" {
		names := strings.Split(*among, ",")
		servers = slices.DeleteFunc(servers, func(s server) bool { return !slices.Contains(names, s.name) })
	}
	if err := run(*quick, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(quick bool, only string) error {
	seconds, rounds, conns, idle := 0.4, 3, 1000, 1000
	if quick {
		seconds, rounds, conns, idle = 0.1, 1, 200, 100
	}
	start := time.Now()
	fmt.Printf("%s, %d processors, %s; servers are processes of their own, the client is in this one; medians of %d alternating rounds\n\n",
		runtime.Version(), runtime.NumCPU(), time.Now().Format(time.DateOnly), rounds)
	small, middle, large := frame(0x82, make([]byte, 64)), frame(0x82, make([]byte, 4096)), frame(0x82, make([]byte, 1<<20))
	text := frame(0x81, []byte(jsonText(4096)))
	// Alone, a round trip is short or long by where the kernel puts the two
	// processes: many short rounds, and a row without that.
	alone := load{small, 1, 1, 1, seconds / 2, ""}
	kinds := []kind{
		{"64B x1 pipelined", "k/s", load{small, 128, 8, 1, seconds, ""}, 1e-3, "10.0", rounds, false},
		{"64B x50 pipelined", "k/s", load{small, 32, 4, 50, seconds, ""}, 1e-3, "5.0", rounds, false},
		{"4KiB x1 pipelined", "k/s", load{middle, 16, 4, 1, seconds, ""}, 1e-3, "4.0", rounds, false},
		{"4KiB text x1 pipelined", "k/s", load{text, 16, 4, 1, seconds, ""}, 1e-3, "", rounds, false},
		{"1MiB x1", "MB/s", load{large, 1, 3, 1, seconds, ""}, float64(1<<20) / 1e6, "1.7", rounds, false},
		{"64B x1 depth 1", "k/s", alone, 1e-3, "1.0", 3 * rounds, false},
		{"64B x1 depth 1, one processor", "k/s", alone, 1e-3, "1.0", rounds, true},
		{"64B x50 depth 1", "k/s", load{small, 1, 1, 50, seconds, ""}, 1e-3, "1.0", rounds, false},
	}
	t := newTable("echo over loopback")
	for _, k := range kinds {
		if strings.Contains(k.name, only) {
			t.row(k, k.rounds, func(s server) (figure, error) {
				return withChild(s, serverOptions{pinned: k.pinned}, func(c *child) (figure, error) {
					return k.load.run(dialTCP(c.addr), c.usage)
				})
			})
		}
	}
	if k := (kind{name: fmt.Sprintf("broadcast 64B to %d", conns), unit: "k/s", scale: 1e-3, wanted: "1.2"}); strings.Contains(k.name, only) {
		t.row(k, rounds, func(s server) (figure, error) {
			if !s.broadcasts {
				return figure{}, errSkip
			}
			return withChild(s, serverOptions{}, func(c *child) (figure, error) {
				return broadcast(dialTCP(c.addr), conns, append([]byte("B"), make([]byte, 63)...), seconds, c.usage)
			})
		})
	}
	for _, bits := range []int{15, 9} {
		k := kind{name: fmt.Sprintf("4KiB JSON x10 compressed, %d bits", bits), unit: "k/s", scale: 1e-3, wanted: "1.2"}
		if bits == 9 {
			k.wanted = ""
		}
		if strings.Contains(k.name, only) {
			t.row(k, rounds, func(s server) (figure, error) { return compressedEcho(s, bits, seconds) })
		}
	}
	t.print()

	if strings.Contains("wire", only) {
		t = newTable("echo over the wire in memory (client, server and both stacks in this process)")
		for _, k := range kinds[:3] {
			k.load.conns = min(k.load.conns, 10)
			t.row(kind{name: strings.Replace(k.name, "x50", "x10", 1), unit: k.unit, scale: k.scale}, rounds, func(s server) (figure, error) {
				return overWire(s, k.load)
			})
		}
		t.print()
		if err := idleOnWire(idle); err != nil {
			return err
		}
	}
	if strings.Contains("latency", only) {
		if err := latencyTable(rounds, seconds); err != nil {
			return err
		}
	}
	if strings.Contains("idle", only) {
		if err := idleTable(idle); err != nil {
			return err
		}
	}
	fmt.Printf("took %v\n", time.Since(start).Round(time.Second))
	return nil
}

func dialTCP(addr string) dialFunc {
	return func() (net.Conn, error) { return net.Dial("tcp", addr) }
}

// jsonText is a text like those that programs send.
func jsonText(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `{"id":%d,"user":"user-%d","text":"message %d","at":"2026-11-22T%02d:%02d:00Z","read":%v},`, i*7919, i*31%97, i*i, i%24, i*7%60, i%3 == 0)
	}
	return b.String()[:n]
}

// compressedFrame is a message compressed by itself, which a peer with context
// takeover takes too.
func compressedFrame(n int, bits int) []byte {
	var b bytes.Buffer
	fw, err := flate.NewWriter(&b, 6)
	if err != nil {
		panic(err)
	}
	if bits < 15 {
		if fw, err = flate.NewWriter(&b, flate.HuffmanOnly); err != nil { // no distances: it fits every window
			panic(err)
		}
	}
	fw.Write([]byte(jsonText(n)))
	fw.Flush()
	return frame(0x80|0x40|1, bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff}))
}

func offer(bits int) string {
	return fmt.Sprintf("permessage-deflate; server_max_window_bits=%d; client_max_window_bits=%d", bits, bits)
}

func compressedEcho(s server, bits int, seconds float64) (figure, error) {
	if s.compresses == "" || bits < 15 && !s.ours && s.name != "gws" {
		return figure{}, errSkip
	}
	return withChild(s, serverOptions{compressed: true, bits: bits}, func(c *child) (figure, error) {
		l := load{frame: compressedFrame(4096, bits), burst: 4, window: 2, conns: 10, seconds: seconds, ext: offer(bits)}
		if !s.ours && s.name != "gws" {
			l.ext = "permessage-deflate; client_max_window_bits"
		}
		return l.run(dialTCP(c.addr), c.usage)
	})
}

// idleTable prints what a connection costs that echoed one message and is idle,
// and the allocations of echoes.
func idleTable(conns int) error {
	fmt.Printf("memory of an idle connection after one echo of 64 B (%d connections), and allocations of the server a message\n", conns)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "server\theap B\tstack B\tcompressed, 15 bits: heap B\t9 bits: heap B\tallocations, 64 B\t64 KiB\t")
	heap, stack, err := idleMemory(held, serverOptions{}, conns)
	if err != nil {
		return fmt.Errorf("%s: %w", held.name, err)
	}
	fmt.Fprintf(w, "%s\t%d\t%d\t-\t-\t-\t-\t\n", held.name, heap, stack)
	for _, s := range servers {
		if s.noLibrary {
			continue
		}
		heap, stack, err := idleMemory(s, serverOptions{}, conns)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		cells := []string{fmt.Sprint(heap), fmt.Sprint(stack)}
		for _, bits := range []int{15, 9} {
			cell := "-"
			if s.compresses != "" && (bits == 15 || s.ours || s.name == "gws") {
				heap, _, err := idleMemory(s, serverOptions{compressed: true, bits: bits}, min(conns, 300))
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				cell = fmt.Sprint(heap)
				if s.compresses != "takeover" {
					cell += " (" + s.compresses + ")"
				}
			}
			cells = append(cells, cell)
		}
		for _, size := range []int{64, 64 << 10} {
			n, err := allocations(s, size)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			cells = append(cells, fmt.Sprintf("%.2f", n))
		}
		fmt.Fprintf(w, "%s\t%s\t\n", s.name, strings.Join(cells, "\t"))
	}
	w.Flush()
	fmt.Println()
	return nil
}

func idleMemory(s server, o serverOptions, conns int) (heap, stack int64, err error) {
	c, err := startChild(s, o)
	if err != nil {
		return 0, 0, err
	}
	defer c.stop()
	ext, f := "", frame(0x82, make([]byte, 64))
	if o.compressed {
		ext, f = offer(o.bits), compressedFrame(64<<10, o.bits)
		if !s.ours && s.name != "gws" {
			ext = "permessage-deflate; client_max_window_bits"
		}
	}
	one := func() (*client, error) {
		cl, err := newClient(dialTCP(c.addr), ext)
		if err != nil {
			return nil, err
		}
		if _, err := cl.Write(f); err != nil {
			return nil, err
		}
		return cl, cl.await(1)
	}
	warm, err := one() // what is allocated once is not a connection's
	if err != nil {
		return 0, 0, err
	}
	defer warm.Close()
	u0, err := c.usage(true)
	if err != nil {
		return 0, 0, err
	}
	for range conns {
		cl, err := one()
		if err != nil {
			return 0, 0, err
		}
		defer cl.Close()
	}
	u1, err := c.usage(true)
	return int64(u1.heap-u0.heap) / int64(conns), int64(u1.stacks-u0.stacks) / int64(conns), err
}

func allocations(s server, size int) (float64, error) {
	c, err := startChild(s, serverOptions{})
	if err != nil {
		return 0, err
	}
	defer c.stop()
	return allocationsOf(dialTCP(c.addr), size, c.usage)
}

// allocationsOf are those of an echo.
func allocationsOf(dial dialFunc, size int, use usageFunc) (float64, error) {
	cl, err := newClient(dial, "")
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	f := frame(0x82, make([]byte, size))
	echo := func(n int) error {
		for range n {
			if _, err := cl.Write(f); err != nil {
				return err
			}
			if err := cl.await(1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := echo(100); err != nil {
		return 0, err
	}
	from, err := use(false)
	if err != nil {
		return 0, err
	}
	const n = 2000
	if err := echo(n); err != nil {
		return 0, err
	}
	to, err := use(false)
	return float64(to.mallocs-from.mallocs) / n, err
}
