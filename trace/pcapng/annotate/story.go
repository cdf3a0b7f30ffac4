package annotate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"strata/trace"
	"strata/trace/explain"
)

// conn notes what is to be said of a connection's packets.
func (a *annotator) conn(c *explain.Conn, messages []*explain.Message) {
	halves := c.Halves()
	for i, h := range halves {
		a.acked[h.Flow] = &acked{isn: halves[1-i].ISN, last: map[string]*lastAck{}}
		d := &direction{half: h}
		for _, m := range messages {
			if m.Conn == c && m.FromOpener() == h.FromOpener && m.To > m.From {
				d.messages = append(d.messages, m)
			}
		}
		slices.SortStableFunc(d.messages, func(a, b *explain.Message) int { return cmp.Compare(a.From, b.From) })
		d.arrivals()
		for _, t := range h.Sent {
			a.transmission(d, t)
		}
	}
}

// direction is one direction of a connection, and what its receiver did with
// what came.
type direction struct {
	half     *explain.Half
	messages []*explain.Message // by their place in the stream
	received map[*explain.Piece]string
}

// transmission notes when a segment was sent and received, and what of it.
func (a *annotator) transmission(d *direction, t *explain.Transmission) {
	key := segment{d.half.Flow, t.SYN, t.Seq, t.Len}
	again := d.again(t)
	out := d.carries(t.SYN, t.From, t.To) + again
	for i := range t.Pieces {
		p := &t.Pieces[i]
		part := key
		part.seq, part.len = t.Seq+uint32(p.From-t.From), int(p.To-p.From)
		if t.SYN {
			part = key
		}
		text := d.carries(t.SYN, p.From, p.To) + again
		for n, hop := range p.Hops {
			lost := ""
			if cause := hop.Lost(); cause != "" {
				lost = fmt.Sprintf("; lost on %s (%s)", hop.Wire, cause)
			}
			switch {
			case n > 0: // a router sends it on
				a.see(part, hop.Sent, trace.Out, text+lost)
			case part == key:
				out += lost
			case lost != "":
				out += fmt.Sprintf("; bytes %d to %d of it%s", p.From, p.To, strings.TrimPrefix(lost, ";"))
			}
			if lost != "" {
				continue
			}
			in := text
			if n == len(p.Hops)-1 {
				in += travelled(p) + d.received[p]
			}
			a.see(part, hop.Ended, trace.In, in)
		}
	}
	a.see(key, t.At, trace.Out, out)
}

func (a *annotator) see(s segment, at time.Time, dir trace.Direction, text string) {
	a.at[s] = append(a.at[s], sighting{at, dir, text})
}

// carries says what is in a segment with these bytes.
func (d *direction) carries(syn bool, from, to uint64) string {
	switch {
	case syn && d.half.FromOpener:
		return "opens the connection"
	case syn:
		return "accepts the connection"
	}
	var said []string
	i, _ := slices.BinarySearchFunc(d.messages, from, func(m *explain.Message, from uint64) int {
		if m.To <= from {
			return -1
		}
		return 1
	})
	const most = 3
	more := 0
	for ; i < len(d.messages) && d.messages[i].From < to; i++ {
		if len(said) == most {
			more++
			continue
		}
		said = append(said, partOf(d.messages[i], from, to))
	}
	for _, r := range d.half.Records(from, to) {
		switch {
		case r.Step == "": // what it carries is told
		case len(said) == most:
			more++
		default:
			said = append(said, r.String())
		}
	}
	if more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	s := fmt.Sprintf("bytes %d to %d", from, to)
	if len(said) > 0 {
		s += ": " + strings.Join(said, ", ")
	}
	return s
}

// partOf says which part of a message is in these bytes of the stream.
func partOf(m *explain.Message, from, to uint64) string {
	from, to = max(m.From, from), min(m.To, to)
	if from == m.From && to == m.To {
		return "all of " + said(m)
	}
	return fmt.Sprintf("bytes %d to %d of the %d of %s", from-m.From, to-m.From, m.To-m.From, said(m))
}

// longest is how much of a message's text is in a comment, in letters.
const longest = 80

func said(m *explain.Message) string {
	s := []rune(m.What.String())
	if len(s) > longest {
		return string(s[:longest]) + "…"
	}
	return string(s)
}

// again says of a segment that it was sent before, and when.
func (d *direction) again(t *explain.Transmission) string {
	if !t.Again {
		return ""
	}
	first := d.half.Sent[0] // of a SYN
	if !t.SYN {
		first = d.half.Carrying(t.From, t.From+1)[0]
	}
	why := ""
	if t.Why != "" {
		why = " (" + t.Why + ")"
	}
	return fmt.Sprintf("; sent again%s, %v after the first time", why, t.At.Sub(first.At))
}

// travelled says how long a piece was on its way.
func travelled(p *explain.Piece) string {
	var queue, bits, way time.Duration
	for _, h := range p.Hops {
		queue, bits, way = queue+h.Queued, bits+h.Serialized, way+h.Delayed
	}
	if queue+bits+way == 0 {
		return ""
	}
	var said []string
	for _, part := range []struct {
		name string
		took time.Duration
	}{{"queue", queue}, {"serialization", bits}, {"propagation", way}} {
		if part.took > 0 {
			said = append(said, fmt.Sprintf("%s %v", part.name, part.took))
		}
	}
	return "; took " + strings.Join(said, ", ")
}

// arrivals goes through what arrived, and notes what the receiver could do with
// it: whether it had it, whether bytes before it were missing, and which others
// it can be read with.
func (d *direction) arrivals() {
	d.received = map[*explain.Piece]string{}
	var all []*explain.Piece
	for _, t := range d.half.Sent {
		for i := range t.Pieces {
			if p := &t.Pieces[i]; !t.SYN && !p.Arrived.IsZero() {
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *explain.Piece) int { return a.Arrived.Compare(b.Arrived) })
	var edge uint64
	var beyond []*explain.Piece
	for _, p := range all {
		switch {
		case p.To <= edge || slices.ContainsFunc(beyond, func(b *explain.Piece) bool { return b.From <= p.From && p.To <= b.To }):
			d.received[p] = "; was there already"
		case p.From > edge:
			d.received[p] = fmt.Sprintf("; waits, because byte %d is missing", edge)
			beyond = append(beyond, p)
		default:
			edge = p.To
			before := len(beyond)
			edge, beyond = join(edge, beyond)
			if len(beyond) < before {
				d.received[p] = fmt.Sprintf("; what had waited for it can be read, up to byte %d", edge)
			}
		}
	}
}

// join moves the edge on over what had come before.
func join(edge uint64, beyond []*explain.Piece) (uint64, []*explain.Piece) {
	slices.SortFunc(beyond, func(a, b *explain.Piece) int { return cmp.Compare(a.From, b.From) })
	i := 0
	for ; i < len(beyond) && beyond[i].From <= edge; i++ {
		edge = max(edge, beyond[i].To)
	}
	return edge, slices.Clone(beyond[i:])
}
