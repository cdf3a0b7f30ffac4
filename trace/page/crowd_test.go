package page_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"strata/trace"
	"strata/trace/explain"
	"strata/trace/page"
)

// crowd is what a recorder would have been told of 50,000 packets and more, made
// up, because a world takes longer: messages of four segments, every second one
// acknowledged, every five-hundredth lost and sent again.
func crowd() *explain.Story {
	c := &crowded{
		now:  time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		flow: trace.Flow{Local: netip.MustParseAddrPort("10.0.0.1:40000"), Remote: netip.MustParseAddrPort("10.0.0.2:80")},
	}
	c.open()
	const segments = 33_400
	for i := range segments {
		if i%4 == 0 {
			c.writes(i / 4)
		}
		c.sends(i)
		c.now = c.now.Add(300 * time.Microsecond)
	}
	slices.SortStableFunc(c.events, func(a, b trace.Event) int { return a.At.Compare(b.At) })
	return explain.Join(c.events)
}

const (
	payload = 1000
	way     = 20 * time.Millisecond
	bits    = 84 * time.Microsecond // of 1052 bytes at 100 Mbit/s
	again   = 60 * time.Millisecond
)

type crowded struct {
	events []trace.Event
	now    time.Time
	flow   trace.Flow
	read   time.Time // when the server has read all until now: it reads in order
}

func (c *crowded) tell(at time.Time, host string, dir trace.Direction, what trace.What) {
	flow := c.flow
	if host == "server" {
		flow = flow.Reverse()
	}
	c.events = append(c.events, trace.Event{At: at, Host: host, Dir: dir, Flow: flow, What: what})
}

// crosses tells of a segment's way over the wire.
func (c *crowded) crosses(at time.Time, from string, seg trace.Segment, lost bool) (arrived time.Time) {
	to, wire := "server", "phone-server from A to B"
	if from == "server" {
		to, wire = "phone", "phone-server from B to A"
	}
	c.tell(at, from, trace.Out, seg)
	p := trace.Passage{Wire: wire, Sent: at, Serialized: bits, Delayed: way, Packet: seg}
	arrived = at.Add(bits + way)
	flow := c.flow
	if from == "server" {
		flow = flow.Reverse()
	}
	if lost {
		p.Serialized, p.Delayed, p.Dropped, arrived = 0, 0, trace.DroppedLoss, at
	}
	c.events = append(c.events, trace.Event{At: arrived, Dir: trace.Out, Flow: flow, What: p})
	if !lost {
		c.tell(arrived, to, trace.In, seg)
	}
	return arrived
}

func (c *crowded) open() {
	at := c.crosses(c.now, "phone", trace.Segment{Flags: trace.SYN, Seq: 99, Packet: 60}, false)
	at = c.crosses(at, "server", trace.Segment{Flags: trace.SYN | trace.ACK, Seq: 499, Ack: 100, Packet: 60}, false)
	c.tell(at, "phone", 0, trace.Connection{State: "ESTABLISHED"})
	at = c.crosses(at, "phone", trace.Segment{Flags: trace.ACK, Seq: 100, Ack: 500, Packet: 52}, false)
	c.tell(at, "server", 0, trace.Connection{State: "ESTABLISHED"})
	c.now = at
}

// writes has the phone send the next message, and the server read it when its
// last segment is there.
func (c *crowded) writes(n int) {
	f := trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 4*payload - 8, Preview: fmt.Sprintf("message %d", n)}
	from := uint64(n) * 4 * payload
	c.tell(c.now, "phone", trace.Out, f)
	c.tell(c.now, "phone", trace.Out, trace.Stream{From: from, To: from + 4*payload})
	read := c.now.Add(3*300*time.Microsecond + bits + way)
	for i := 4 * n; i < 4*n+4; i++ {
		if lost(i) {
			read = c.now.Add(time.Duration(i-4*n)*300*time.Microsecond + again + bits + way)
		}
	}
	if read.Before(c.read) {
		read = c.read
	}
	c.read = read
	c.tell(read, "server", trace.In, trace.Stream{From: from, To: from + 4*payload})
	c.tell(read, "server", trace.In, f)
}

func lost(segment int) bool { return segment%500 == 250 }

func (c *crowded) sends(i int) {
	seg := trace.Segment{Flags: trace.PSH | trace.ACK, Seq: 100 + uint32(i)*payload, Ack: 500, Len: payload, Packet: payload + 52}
	arrived := c.crosses(c.now, "phone", seg, lost(i))
	if lost(i) {
		at := c.now.Add(again)
		c.tell(at, "phone", trace.Out, trace.Retransmission{Seq: seg.Seq, Len: seg.Len, Why: trace.WhyFast})
		arrived = c.crosses(at, "phone", seg, false)
	}
	if i%2 == 1 {
		at := c.crosses(arrived, "server", trace.Segment{Flags: trace.ACK, Seq: 500, Ack: seg.Seq + payload, Packet: 52}, false)
		c.tell(at, "phone", 0, trace.Sender{Cwnd: 60 + i%80, Ssthresh: 60, Outstanding: 40 + i%20, Window: 1 << 20, MSS: payload, SRTT: 2*way + bits, RTO: 240 * time.Millisecond})
	}
}

// What a page of 50,000 packets costs, and how large it is.
func BenchmarkWrite(b *testing.B) {
	s := crowd()
	var size bytes.Buffer
	for b.Loop() {
		size.Reset()
		if err := page.Write(&size, s, page.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size.Len()), "bytes/page")
}
