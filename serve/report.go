package serve

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"

	"strata/trace"
	"strata/trace/ladder"
)

// reporter tells on standard output what happens: for people, or as JSON
// lines.
type reporter struct {
	config *Config
	rec    trace.Recorder      // nil where nothing is told
	early  *held               // rec, until ready; nil where nothing is told
	note   func(record []byte) // tells what is not an event, in lines; like rec it never waits
	out    io.Closer           // waits until all is told, for a time
}

const hostName = "strata"

func newReporter(c *Config) *reporter {
	r := &reporter{config: c}
	switch {
	case c.Output.Quiet:
	case c.Output.JSON:
		j := ladder.JSON(c.Stdout)
		r.rec, r.note, r.out = j, j.Note, j
		if !c.Output.Verbose {
			r.rec = &milestones{next: j}
		}
	default:
		o := ladder.Options{
			Which: ladder.First, Host: hostName, Local: "strata", Peer: "client", Color: c.Color, Width: c.Width,
			Closing: "That was the first of each. --verbose shows every connection.",
		}
		if c.Output.Verbose {
			o.Which = ladder.All
		}
		l := ladder.New(c.Stdout, o)
		r.note, r.out = func(record []byte) { l.Note(string(record)) }, l
		r.rec = trace.Tee(l, connections{l})
		if c.Output.Verbose {
			r.rec = l // says it itself
		}
	}
	if r.rec != nil {
		r.early = &held{next: r.rec}
		r.rec = r.early
	}
	return r
}

// connections prints a line a connection and disconnection between the
// ladder's.
type connections struct{ ladder *ladder.Ladder }

func (n connections) Record(e trace.Event) {
	c, ok := e.What.(trace.Connection)
	if !ok {
		return
	}
	switch c.State {
	case "ESTABLISHED":
		n.ladder.Note(fmt.Sprintf("+ %v connected to port %d", e.Flow.Remote, e.Flow.Local.Port()))
	case "CLOSED":
		n.ladder.Note(fmt.Sprintf("- %v closed: %s received, %s sent", e.Flow.Remote, bytes(c.Received), bytes(c.Sent)))
	}
}

// bytes is a count of bytes for people.
func bytes(n uint64) string {
	const kib = 1 << 10
	switch {
	case n < 10*kib:
		return fmt.Sprintf("%d B", n)
	case n < 10*kib*kib:
		return fmt.Sprintf("%.1f KiB", float64(n)/kib)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(kib*kib))
}

// place is where everything is served.
type place struct {
	device, netns  string
	offload        bool
	ours, theirs   []netip.Addr
	port, mtu      int
	tls            bool
	fingerprint    string
	note           string // why there is no IPv6, where there should be
	joinHint       string // how to enter a namespace that has no name
	zone           string
	shape, back    string // of the wire to the device; both empty: there is none
	seed           uint64
	inspect        string // where the live page is; empty: nowhere
	commandFollows bool
}

// urls are the addresses of path by scheme, "http" or "ws".
func (p *place) urls(scheme, path string) []string {
	if p.tls {
		scheme += "s"
	}
	var all []string
	for _, a := range p.ours {
		host := netip.AddrPortFrom(a, uint16(p.port)).String()
		if p.port == 80 && !p.tls || p.port == 443 && p.tls {
			host = strings.TrimSuffix(host, fmt.Sprintf(":%d", p.port))
		}
		all = append(all, scheme+"://"+host+path)
	}
	return all
}

// ready says where to go, and then what has happened so far.
func (r *reporter) ready(p *place) {
	if r.config.Output.Quiet {
		return
	}
	defer r.early.release()
	switch {
	case r.config.Output.JSON:
		line, _ := json.Marshal(struct {
			Kind        string   `json:"kind"`
			Device      string   `json:"device"`
			HTTP        []string `json:"http"`
			Offload     bool     `json:"offload"`
			MTU         int      `json:"mtu"`
			Shape       string   `json:"shape,omitempty"`
			Back        string   `json:"back,omitempty"`
			Inspect     string   `json:"inspect,omitempty"`
			Fingerprint string   `json:"fingerprint,omitempty"`
			Note        string   `json:"note,omitempty"`
		}{"ready", p.device, p.urls("http", "/"), p.offload, p.mtu, p.shape, p.back, p.inspect, p.fingerprint, p.note})
		r.note(line)
		return
	}
	list := func(addrs []netip.Addr) string {
		s := make([]string, len(addrs))
		for i, a := range addrs {
			s[i] = a.String()
		}
		return strings.Join(s, " and ")
	}
	var b strings.Builder
	offload := "a segment a packet"
	if p.offload {
		offload = "segments in packets of 64 KiB"
	}
	where := ""
	if p.netns != "" {
		where = " in namespace " + p.netns
	}
	fmt.Fprintf(&b, "%s is up%s: we are %s, the kernel is %s (MTU %d, %s)\n", p.device, where, list(p.ours), list(p.theirs), p.mtu, offload)
	if p.note != "" {
		fmt.Fprintf(&b, "  %s\n", p.note)
	}
	line := func(name string, urls ...string) {
		fmt.Fprintf(&b, "  %-11s%s\n", name, strings.Join(urls, "   "))
	}
	line("chat", p.urls("http", "/")...)
	line("websocket", p.urls("ws", "/echo")...)
	line("socket.io", p.urls("http", "/socket.io/")...)
	line("names", fmt.Sprintf("dig @%v %s", p.ours[0], p.zone))
	switch {
	case p.shape == p.back && p.shape != "":
		line("wire", fmt.Sprintf("%s, each way (seed %d)", p.shape, p.seed))
	case p.shape != p.back:
		line("wire", fmt.Sprintf("from us %s, to us %s (seed %d)", cmp.Or(p.shape, "perfect"), cmp.Or(p.back, "perfect"), p.seed))
	}
	if p.inspect != "" {
		line("inspect", p.inspect)
	}
	if p.fingerprint != "" {
		line("tls", "self-signed, SHA-256 "+p.fingerprint)
	}
	if p.joinHint != "" {
		line("join", p.joinHint)
	}
	if !p.commandFollows {
		b.WriteString("Ctrl-C ends.\n")
	}
	r.note([]byte(b.String()))
}

// close waits until all is told, but not for ever for an output that is stuck.
func (r *reporter) close() {
	if r.out == nil {
		return
	}
	if r.config.Output.JSON {
		r.note([]byte(`{"kind":"closed"}`))
	}
	_ = r.out.Close() // who was listening has gone
}

// milestones passes on what opens and closes connections, and all that happens
// above TCP, and leaves out the segments between.
type milestones struct {
	next trace.Recorder

	mu      sync.Mutex
	opening map[trace.Flow]bool // SYN-ACK seen, its ACK not yet
}

// maxOpening bounds what is remembered: beyond it the last ACK of a handshake
// may be left out.
const maxOpening = 4096

func (m *milestones) Record(e trace.Event) {
	s, ok := e.What.(trace.Segment)
	if ok && !m.wanted(e.Flow, s) {
		return
	}
	m.next.Record(e)
}

func (m *milestones) wanted(flow trace.Flow, s trace.Segment) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case s.Flags&(trace.SYN|trace.ACK) == trace.SYN|trace.ACK:
		if m.opening == nil || len(m.opening) >= maxOpening {
			m.opening = map[trace.Flow]bool{}
		}
		m.opening[flow] = true
		return true
	case s.Flags&(trace.SYN|trace.FIN|trace.RST) != 0:
		return true
	case m.opening[flow]:
		delete(m.opening, flow)
		return true
	}
	return false
}
