package cable

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"strata/link"
)

// reporter tells what was joined and what crossed: for people, or as JSON
// lines.
type reporter struct {
	json bool
	out  io.Writer
}

// sideJSON is one side, for programs.
type sideJSON struct {
	Netns     string         `json:"netns"` // empty: where strata runs
	Device    string         `json:"device"`
	Addresses []netip.Prefix `json:"addresses"`
}

func (r *reporter) line(v any) {
	line, err := json.Marshal(v)
	if err == nil {
		fmt.Fprintf(r.out, "%s\n", line)
	}
}

// ready says what was made.
func (r *reporter) ready(j *joint, note string) {
	c := j.config
	offload := j.a.dev.Offload() && j.b.dev.Offload()
	if r.json {
		side := func(e *end) sideJSON { return sideJSON{e.Netns, e.Device, append([]netip.Prefix{}, e.Addrs...)} }
		r.line(struct {
			Kind    string   `json:"kind"`
			A       sideJSON `json:"a"`
			B       sideJSON `json:"b"`
			AB      string   `json:"ab"`
			BA      string   `json:"ba"`
			Seed    uint64   `json:"seed"`
			MTU     int      `json:"mtu"`
			Offload bool     `json:"offload"`
			Control string   `json:"control,omitempty"`
			Note    string   `json:"note,omitempty"`
		}{"ready", side(&j.a), side(&j.b), c.Shape.String(), c.Back.String(), c.Seed, c.MTU, offload, c.Control, note})
		return
	}
	var b strings.Builder
	for i, e := range []*end{&j.a, &j.b} {
		var list []string
		for _, a := range addrs(e.Addrs) {
			list = append(list, a.String())
		}
		where := "in network namespace " + e.Netns
		if e.Netns == "" {
			where = "here"
		}
		fmt.Fprintf(&b, "%c  %s %s: %s\n", 'A'+i, e.Device, where, strings.Join(list, " and "))
	}
	shape := func(s link.Shape) string {
		if text := s.String(); text != "" {
			return text
		}
		return "a perfect wire"
	}
	fmt.Fprintf(&b, "   A to B: %s\n   B to A: %s\n", shape(c.Shape), shape(c.Back))
	how := "a segment a packet"
	if offload {
		how = "segments in packets of 64 KiB where the wire is perfect"
	}
	fmt.Fprintf(&b, "   MTU %d, %s; seed %d\n", c.MTU, how, c.Seed)
	if note != "" {
		fmt.Fprintf(&b, "   %s\n", note)
	}
	if c.Control != "" {
		fmt.Fprintf(&b, "   control: %s\n", c.Control)
	}
	if len(c.Command) == 0 {
		b.WriteString("Ctrl-C ends.\n")
	}
	fmt.Fprint(r.out, b.String())
}

// closedJSON is what crossed one direction, for programs.
type closedJSON struct {
	direction
	DeviceDropped uint64 `json:"deviceDropped"` // that a device did not hand over, or not take
}

// closed says what crossed.
func (r *reporter) closed(j *joint) {
	ab := closedJSON{stateOf(j.wire.AB()), deviceDropped(&j.a, &j.b)}
	ba := closedJSON{stateOf(j.wire.BA()), deviceDropped(&j.b, &j.a)}
	if r.json {
		r.line(struct {
			Kind string     `json:"kind"`
			AB   closedJSON `json:"ab"`
			BA   closedJSON `json:"ba"`
		}{"closed", ab, ba})
		return
	}
	fmt.Fprint(r.out, table(ab, ba))
}

// deviceDropped is what was lost between a kernel and the wire on the way from
// one end to the other.
func deviceDropped(from, to *end) uint64 {
	in, out := from.cord.XY(), to.cord.YX()
	read := from.dev.Stats().InDrops
	return read.Malformed + read.Checksum + read.Detached + read.NotForUs + dropped(in) + dropped(out)
}

func dropped(c link.CordCounters) uint64 {
	return c.DroppedTooBig + c.DroppedMalformed + c.DroppedRefused + c.DroppedClosed
}

// table is the counters for people: what always counts, and else what is not
// zero.
func table(ab, ba closedJSON) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s%14s%14s\n", "", "A to B", "B to A")
	row := func(name string, x, y any) { fmt.Fprintf(&b, "%-24s%14v%14v\n", name, x, y) }
	count := func(name string, x, y uint64) {
		if x != 0 || y != 0 {
			row(name, x, y)
		}
	}
	p, q := ab.Counters, ba.Counters
	row("packets", p.Packets, q.Packets)
	row("bytes", p.Bytes, q.Bytes)
	row("delivered", p.Delivered, q.Delivered)
	count("lost at random", p.DroppedLoss, q.DroppedLoss)
	count("dropped: queue full", p.DroppedFull, q.DroppedFull)
	count("dropped: made room", p.DroppedHead, q.DroppedHead)
	count("dropped: CoDel", p.DroppedCoDel, q.DroppedCoDel)
	count("dropped: MTU", p.DroppedMTU, q.DroppedMTU)
	count("dropped: rule", p.DroppedRule, q.DroppedRule)
	count("dropped: down", p.DroppedDown, q.DroppedDown)
	count("dropped: blackhole", p.DroppedBlackhole, q.DroppedBlackhole)
	count("dropped: corrupt", p.DroppedCorrupt, q.DroppedCorrupt)
	count("dropped: nobody there", p.DroppedDetached, q.DroppedDetached)
	count("dropped: at the end", p.DroppedClosed, q.DroppedClosed)
	count("dropped: device", ab.DeviceDropped, ba.DeviceDropped)
	count("corrupted", p.Corrupted, q.Corrupted)
	count("duplicated", p.Duplicated, q.Duplicated)
	count("reordered", p.Reordered, q.Reordered)
	count("held up by a rule", p.Delayed, q.Delayed)
	count("marked by a rule", p.Marked, q.Marked)
	count("resets sent", p.Injected, q.Injected)
	count("queued at most", uint64(p.MaxQueued), uint64(q.MaxQueued))
	if p.MaxQueueTime != 0 || q.MaxQueueTime != 0 {
		row("longest in queue", p.MaxQueueTime.Round(time.Microsecond), q.MaxQueueTime.Round(time.Microsecond))
	}
	return b.String()
}
