package ladder

import (
	"fmt"
	"strings"
	"time"

	"strata/trace"
)

// runLasts is how long ordinary segments of a connection are gathered before
// they are told.
const runLasts = time.Second

// run is ordinary segments of a connection, one after the other, that are told
// as one line.
type run struct {
	first   trace.Event // so that a run of one is told as it was
	verdict verdict
	began   time.Time
	out, in tally
}

// tally is one direction of a run.
type tally struct {
	segments int // with payload
	bytes    uint64
	acks     int // without
	sacks    int // with SACK blocks
}

// gathers reports whether a segment may be part of a run.
func gathers(s trace.Segment, v verdict) bool {
	const plain = trace.ACK | trace.PSH | trace.ECE | trace.CWR
	return s.Flags&^plain == 0 && !v.handshake && v.mark == ordinary && s.Window > 0
}

func (r *run) empty() bool { return r.began.IsZero() }

// add adds a segment that gathers.
func (r *run) add(e trace.Event, s trace.Segment, v verdict) {
	if r.empty() {
		r.first, r.verdict, r.began = e, v, e.At
	}
	t := &r.out
	if e.Dir == trace.In {
		t = &r.in
	}
	if s.Len > 0 {
		t.segments++
		t.bytes += uint64(s.Len)
	} else {
		t.acks++
	}
	if len(s.Options.SACK) > 0 {
		t.sacks++
	}
}

// single reports whether there is but one segment.
func (r *run) single() bool {
	return r.out.segments+r.out.acks+r.in.segments+r.in.acks == 1
}

// turns reports whether a segment turns the conversation: its payload goes the
// other way than what was gathered.
func (r *run) turns(dir trace.Direction, s trace.Segment) bool {
	if dir == trace.In {
		return s.Len > 0 && r.out.segments > 0
	}
	return s.Len > 0 && r.in.segments > 0
}

// words is like "… 12 segments, 16 KiB out, 3 ACKs in"; dir is the way the
// payload went, zero where it went both ways.
func (r *run) words(g *glyphs) (dir trace.Direction, ws []word) {
	var parts []string
	tell := func(t tally, way string) {
		if t.segments > 0 {
			parts = append(parts, fmt.Sprintf("%s, %s %s", count(t.segments, "segment"), size(t.bytes), way))
		}
		if t.acks > 0 {
			acks := count(t.acks, "ACK")
			if t.sacks > 0 {
				acks += fmt.Sprintf(" (%d with SACK)", t.sacks)
			}
			parts = append(parts, acks+" "+way)
		}
	}
	if r.out.segments > 0 || r.in.segments == 0 {
		tell(r.out, "out")
		tell(r.in, "in")
	} else {
		tell(r.in, "in")
		tell(r.out, "out")
	}
	toPeer, toUs := r.out.segments > 0, r.in.segments > 0
	if !toPeer && !toUs {
		toPeer, toUs = r.out.acks > 0, r.in.acks > 0
	}
	switch {
	case toPeer && !toUs:
		dir = trace.Out
	case toUs && !toPeer:
		dir = trace.In
	}
	return dir, words("%s %s", g.more, strings.Join(parts, ", "))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// size is like "512 B", "16 KiB", "1.5 MiB".
func size(n uint64) string {
	units := [...]string{"KiB", "MiB", "GiB", "TiB"}
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n) / (1 << 10)
	i := 0
	for v >= 1<<10 && i < len(units)-1 {
		v /= 1 << 10
		i++
	}
	if v >= 100 || v == float64(uint64(v)) {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}
