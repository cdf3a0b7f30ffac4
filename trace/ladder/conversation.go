package ladder

import (
	"fmt"
	"time"

	"strata/trace"
)

// conversation is Conversation's: the layers, and then every event.
type conversation struct {
	l        *Ladder
	headed   bool
	descends bool // a first segment was shown with the layers below it
	last     time.Time

	out, in         tally
	retransmissions int
}

// layerPlayers is what plays each layer, where Options.Layers does not say.
var layerPlayers = map[trace.Layer]string{
	trace.Application:  "Socket.IO: events and acks",
	trace.Presentation: "WebSocket frames: masks, UTF-8; TLS where it is on",
	trace.Session:      "the HTTP upgrade; Engine.IO: open, ping, upgrade",
	trace.Transport:    "TCP",
	trace.Network:      "IP",
	trace.DataLink:     "Ethernet with ARP or NDP; nothing where the wire carries bare IP",
	trace.Physical:     "the wire",
}

// plays is what plays a layer.
func (m *conversation) plays(layer trace.Layer) string {
	text, ok := m.l.o.Layers[layer]
	if !ok {
		text = layerPlayers[layer]
	}
	return m.l.say.text(text)
}

// header lists the layers, from the top.
func (m *conversation) header() {
	p := m.l.page
	p.text(bold, "The seven layers, and what plays them here", 0)
	p.line(plain, "")
	for layer := trace.Application; layer >= trace.Physical; layer-- {
		const indent = 2 + layerColumns + 2
		p.spaces(2)
		p.put(layerStyle(layer), fit(fmt.Sprintf("L%d %v", layer, layer), layerColumns, p.g))
		p.spaces(2)
		p.text(plain, m.plays(layer), indent)
	}
	p.line(plain, "")
}

func (m *conversation) record(e trace.Event) {
	if !m.headed {
		m.headed = true
		m.header()
	}
	m.l.begin(e.At)
	if e.At.After(m.last) {
		m.last = e.At
	}
	if (e.Flow == trace.Flow{}) {
		m.l.describe(e)
		return
	}
	f := m.l.flows.get(e.Flow)
	s, ok := e.What.(trace.Segment)
	if !ok {
		if e.What.Layer() > trace.Transport {
			m.carries(e, f)
		}
		m.l.describe(e)
		return
	}
	v := f.tcp.see(e.Dir, s)
	m.count(e.Dir, s, v)
	var below []layerNote
	switch {
	case v.first:
		f.opened, f.carried, f.closed = true, false, false
		m.caption(e, "TCP opens: the three-way handshake")
		if !m.descends {
			m.descends = true
			below = m.descend(e, s)
		}
	case s.Len > 0:
		m.carries(e, f)
	}
	if s.Flags&(trace.FIN|trace.RST) != 0 && !f.closed {
		f.closed = true
		m.caption(e, "TCP closes")
	}
	m.l.segment(e, s, v, below...)
}

// carries says, once for each connection, that it carries data from here on.
func (m *conversation) carries(e trace.Event, f *flow) {
	if f.opened && !f.carried {
		f.carried = true
		m.caption(e, "TCP carries: sequence numbers are relative from here on")
	}
}

func (m *conversation) caption(e trace.Event, text string) {
	m.l.place(e.Flow)
	m.l.page.caption(text)
}

// descend says how a segment goes down to the wire.
func (m *conversation) descend(e trace.Event, s trace.Segment) []layerNote {
	ip := fmt.Sprintf("an IPv4 packet, %d bytes, TTL %d", s.Packet, s.TTL)
	if e.Flow.Remote.Addr().Is6() && !e.Flow.Remote.Addr().Is4In6() {
		ip = fmt.Sprintf("an IPv6 packet, %d bytes, hop limit %d", s.Packet, s.TTL)
	}
	return []layerNote{
		{trace.Network, ip},
		{trace.DataLink, m.plays(trace.DataLink)},
		{trace.Physical, m.plays(trace.Physical)},
	}
}

func (m *conversation) count(dir trace.Direction, s trace.Segment, v verdict) {
	t := &m.out
	if dir == trace.In {
		t = &m.in
	}
	t.segments++
	t.bytes += uint64(s.Len)
	if v.mark == retransmission {
		m.retransmissions++
	}
}

// close sums up.
func (m *conversation) close() {
	if !m.headed {
		return
	}
	p := m.l.page
	p.line(plain, "")
	again := "no retransmission"
	if m.retransmissions > 0 {
		again = count(m.retransmissions, "retransmission")
	}
	p.text(plain, fmt.Sprintf("%s out (%s), %d in (%s), %s, %s", count(m.out.segments, "segment"), size(m.out.bytes),
		m.in.segments, size(m.in.bytes), again, since(m.last.Sub(m.l.zero), p.g)), 0)
}
