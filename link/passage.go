package link

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/trace"
)

// told is what the recorder is told of a packet when its way has ended; nil
// where there is no recorder that wants to know.
type told struct {
	event   trace.Event
	passage trace.Passage

	entered time.Duration // when it was sent
	began   time.Duration // when it left the queue, to be sent bit by bit
	ended   time.Duration // when its last bit had left
}

// heard says whether the recorder is to be told of any packet.
func (d *Direction) heard() bool { return trace.Wants(d.rec, trace.Flow{}, trace.Outline) }

// note looks at a packet that was sent. The caller has mu.
func (d *Direction) note(pkt *gstack.PacketBuffer, proto tcpip.NetworkProtocolNumber, number uint64, now time.Duration) *told {
	if !d.heard() {
		return nil
	}
	proto, b := peek(pkt, proto, d.from.linkHeader(), &d.front)
	v := &d.view
	parsed := v.Parse(proto, b)
	if parsed && !trace.Wants(d.rec, v.flow(trace.Out), trace.Outline) {
		return nil
	}
	t := &told{
		passage: trace.Passage{Wire: d.name, Number: number, Sent: d.start.Add(now)},
		entered: now, began: forever, ended: forever,
	}
	if parsed {
		t.event, _ = v.Event(trace.Out)
	}
	t.passage.Packet = t.event.What
	t.event.Dir = trace.Out
	return t
}

// copy is what is told of the packet's duplicate.
func (t *told) copy() *told {
	if t == nil {
		return nil
	}
	c := *t
	c.passage.Copy = true
	return &c
}

// sending notes that the packet is sent bit by bit from began to ended.
func (t *told) sending(began, ended time.Duration) {
	if t != nil {
		t.began, t.ended = min(t.began, began), ended
	}
}

// tell tells of a packet that was dropped, or, where why is 0, delivered.
func (d *Direction) tell(p *packet, why cause, now time.Duration) {
	if p.told != nil {
		p.told.passage.Corrupted = p.damage != intact
		d.report(p.told, why, now)
	}
}

// tellWhole is tell for a packet on a perfect wire.
func (d *Direction) tellWhole(q *queued, why cause, now time.Duration) {
	if q.told != nil {
		q.told.sending(q.told.entered, q.told.entered)
		q.told.passage.Corrupted = q.corrupted
		d.report(q.told, why, now)
	}
}

func (d *Direction) report(t *told, why cause, now time.Duration) {
	began := min(t.began, now)
	ended := min(max(t.ended, began), now)
	t.passage.Queued, t.passage.Serialized, t.passage.Delayed = began-t.entered, ended-began, now-ended
	if why != 0 {
		t.passage.Dropped = why.String()
	}
	t.event.At, t.event.What = d.start.Add(now), t.passage
	d.rec.Record(t.event)
}
