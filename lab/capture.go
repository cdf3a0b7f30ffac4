package lab

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/trace"
	"strata/trace/pcapng"
)

// capture writes what crosses the links of a world's hosts.
type capture struct {
	w   *World
	out *pcapng.Writer

	mu   sync.Mutex
	buf  []byte
	keys []string // lines of TLS's key log that are not written yet
}

// Write takes lines of TLS's key log. They are written before the next packet,
// in an order of their own: which of two handshakes tells its keys first is not
// the world's to decide.
func (c *capture) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, string(line))
	return len(line), nil
}

func (c *capture) writeKeys() {
	if len(c.keys) == 0 {
		return
	}
	slices.Sort(c.keys)
	_, _ = io.WriteString(c.out.KeyLog(), strings.Join(c.keys, "")) // an error comes again with Close
	c.keys = c.keys[:0]
}

// Capture writes every packet of every host, there now or later, to a pcapng
// file, which opens in Wireshark: each end of a wire is an interface, named
// host/wire. The file is whole when the world has closed.
func (w *World) Capture(path string) {
	w.t.Helper()
	f, err := os.Create(path)
	if err != nil {
		w.t.Fatalf("lab: capture: %v", err)
	}
	w.captureTo(f, func() error { return f.Close() })
}

// CaptureTo is Capture into a writer.
func (w *World) CaptureTo(out io.Writer) {
	w.t.Helper()
	w.captureTo(out, func() error { return nil })
}

func (w *World) captureTo(out io.Writer, closed func() error) {
	w.t.Helper()
	p, err := pcapng.NewWriter(out, pcapng.Options{App: "strata lab"})
	if err != nil {
		w.t.Fatalf("lab: capture: %v", err)
	}
	c := &capture{w: w, out: p}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.captures = append(w.captures, c)
	w.atEnd = append(w.atEnd, func() {
		err := p.Close()
		if cerr := closed(); err == nil {
			err = cerr
		}
		if err != nil {
			w.t.Errorf("lab: capture: %v", err)
		}
	})
	for _, wire := range w.wires {
		for i, tap := range wire.taps {
			c.listen(wire.hosts()[i], wire.Name, tap)
		}
	}
	for _, lan := range w.lans {
		for _, p := range lan.ports {
			c.listen(p.host, p.name, p.tap)
		}
	}
}

func (c *capture) listen(h *Host, wire string, tap *link.Tap) {
	id, err := c.out.AddInterface(pcapng.Interface{Name: fmt.Sprintf("%s/%s", h.Name(), wire), LinkType: pcapng.LinkTypeRaw})
	if err != nil {
		return // the same error comes with Close
	}
	tap.Listen(func(dir trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.writeKeys()
		c.buf = link.AppendPacket(c.buf[:0], pkt, true)
		_ = c.out.WritePacket(id, pcapng.Packet{Time: c.w.Now(), Dir: dir, Data: [][]byte{c.buf}})
		return true
	})
}
