package link

import (
	"fmt"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/trace"
)

const (
	// DefaultQueueBytes bounds what is under way in one direction of a wire:
	// far above what TCP's windows put in flight, so that only a flood, or a
	// long fat wire, meets it.
	DefaultQueueBytes = 64 << 20

	// packetCost is what a packet takes beside its bytes, in bytes of memory: the
	// marks of gVisor's and ours. It bounds the small ones, by their number.
	packetCost = 512

	// leastPackets may be under way however few bytes may.
	leastPackets = 1024
)

// Direction is one direction of a wire. Its methods may be called from any
// goroutine.
//
// With the empty shape it is a queue that its loop drains into the end it leads
// to, whole super-packets at a time. With a shape, or while there are rules,
// each packet of at most one MTU goes its own way, which is decided when it is
// sent; what cannot be known then is only when it leaves the queue for the rate.
// Packets that are delivered at the same instant are so in the order of sending.
type Direction struct {
	loop   clock.Loop
	start  time.Time // all times are since then
	name   string    // of the wire and the direction, for errors and traces
	rec    trace.Recorder
	direct bool // in real time: a sender may deliver itself
	fromA  bool
	from   *End
	to     *End
	wire   *Wire
	draws  draws
	max    int // bytes under way at most
	most   int // packets, as they lie in memory

	run, wake func() // onRun and onWake, made once

	// sending is held by who sends packets one by one, so that their numbers
	// and their order are those in which the rules saw them, though no other
	// lock is held while rules look.
	sending sync.Mutex

	mu       sync.Mutex
	idle     sync.Cond // signalled when running becomes false
	asked    bool      // the loop is asked to run at once
	running  bool      // it runs: one at a time
	shut     bool      // takes no more packets; those it has arrive
	closed   bool      // is cut: takes none, and has none
	held     int       // packets in memory, a super-packet one
	counters Counters  // but for Queued and QueuedBytes
	number   uint64    // of the last packet

	// What a perfect wire has under way.
	queue []queued
	spare []queued // the other of two slices that take turns

	// What it takes to be another wire.
	shape     Shape
	down      bool
	blackhole bool
	special   bool // one of them is not as on a perfect wire
	fates     fates
	overrule  func(number uint64, lost bool) bool // see OverruleLoss; nil is nobody
	waiting   waiting
	early     int // packets in it that were chosen to overtake
	line      line
	trace     *opportunities // in place of the line; nil is none
	slots     slots
	flight    flight
	advanced  time.Duration // until when waiting and line have been followed
	last      time.Duration // when the last packet in order arrives
	order     uint64        // of the packet that was last sent
	newest    uint64        // the highest order that was delivered
	cutter    segmenter
	cut       []*gstack.PacketBuffer // scratch for it
	due       []*packet              // scratch for run
	unused    []*packet
	front     frontBytes // scratch for note
	view      View       // the same

	timer   clock.Timer // calls wake; nil until first needed
	armed   bool
	armedAt time.Duration
}

// queued is a packet on a perfect wire.
type queued struct {
	pkt       *gstack.PacketBuffer
	proto     tcpip.NetworkProtocolNumber
	count     int32 // packets it stands for
	corrupted bool  // on another wire
	told      *told // nil where nobody is told
}

func newDirection(c WireConfig, w *Wire, from, to *End) *Direction {
	d := &Direction{
		loop: clock.Precise(c.Loop), direct: c.Loop == clock.Real(), start: c.Loop.Now(), rec: c.Recorder, wire: w, from: from, to: to,
		max: c.QueueBytes, most: max(c.QueueBytes/packetCost, leastPackets),
		name: "from A to B", fromA: from == w.a,
	}
	if !d.fromA {
		d.name = "from B to A"
	}
	if c.Name != "" {
		d.name = c.Name + " " + d.name
	}
	d.draws = newDraws(c.Seed, c.Name, d.fromA)
	d.idle.L = &d.mu
	d.run, d.wake = d.onRun, d.onWake
	d.cutter = segmenter{linkHeader: from.linkHeader(), complete: !from.offload}
	return d
}

func (d *Direction) refuse(err error) error { return fmt.Errorf("wire %s: %w", d.name, err) }

// Shape is the shape that the direction has now.
func (d *Direction) Shape() Shape {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shape.clone()
}

// Set changes the shape, while traffic runs. An error says what is wrong with
// the shape; the direction then stays as it was.
//
// Packets that are under way keep the time of their arrival, and those that
// wait for the rate the delay that they were given when they were sent; they
// leave at the new rate, in a queue of the new kind, which drops what does not
// fit it. New packets do not overtake old ones, also where the new delay is
// shorter, unless the shape reorders. The parts of the shape that stay the same
// go on: a burst of loss, a slot, a delivery trace.
func (d *Direction) Set(s Shape) error {
	if err := s.Validate(); err != nil {
		return d.refuse(err)
	}
	s = s.clone()
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.advance(now)
	old := d.shape
	d.shape = s
	d.fates.set(s)
	d.line.set(s.Rate)
	d.slots.set(s.Slot, now)
	if !sameTrace(old.Trace, s.Trace) {
		d.endTrace(now)
		if s.Trace != nil {
			d.trace = newOpportunities(s.Trace, now)
		}
	}
	d.requeue(s, old, now)
	d.inspect()
	d.advance(now)
	d.arm(now)
	return nil
}

// inspect notes whether packets may pass whole and at once.
func (d *Direction) inspect() {
	d.special = d.down || d.blackhole || !d.shape.perfect()
}

// requeue moves what waits into a queue of the shape's kind, or on where nothing
// waits any more.
func (d *Direction) requeue(s, old Shape, now time.Duration) {
	limited := s.Rate.Bits > 0 || s.Trace != nil
	if d.waiting != nil && limited && s.Queue == old.Queue {
		return
	}
	var moved []*packet
	if d.waiting != nil {
		d.waiting.each(func(p *packet) { moved = append(moved, p) })
		bySending(moved)
	}
	d.waiting = nil
	if limited {
		h := d.from.linkHeader()
		d.waiting = newWaiting(s.Queue, int(d.from.MTU())+h, h, d.draws, d.discard)
	}
	for _, p := range moved {
		if limited {
			d.waiting.push(p)
		} else {
			d.dequeued(p, now)
			d.leave(p, now)
		}
	}
}

// endTrace lets a packet go of which a trace has sent a part.
func (d *Direction) endTrace(now time.Duration) {
	if d.trace != nil && d.trace.transit != nil {
		d.leave(d.trace.transit, now)
	}
	d.trace = nil
}

// Down takes the direction down, as if the cable were pulled: what waits or is
// under way is lost, and so is what is sent until Up.
func (d *Direction) Down() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.advance(now)
	d.down = true
	d.inspect()
	d.loseAll(causeDown)
	d.arm(now)
}

// Up takes the direction up again.
func (d *Direction) Up() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = false
	d.inspect()
}

// Blackhole makes the direction swallow what is sent from now on; what is under
// way arrives. false ends that.
func (d *Direction) Blackhole(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blackhole = on
	d.inspect()
}

// Rule adds a rule for this direction's packets, behind all rules that the wire
// has: the first that does not pass a packet decides. The guard removes it.
func (d *Direction) Rule(f Rule) *Guard {
	return d.wire.rules.add(&guarded{f: f, only: true, from: d.fromA})
}

// Counters reads the counters.
func (d *Direction) Counters() Counters {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.advance(now)
	d.arm(now)
	c := d.counters
	if d.waiting != nil {
		c.Queued, c.QueuedBytes = d.waiting.len(), d.waiting.size()
	}
	return c
}

func (d *Direction) now() time.Duration {
	// Who waited for the lock may have read the clock before another who got it
	// first.
	return max(d.advanced, d.loop.Now().Sub(d.start))
}

// takeNoMore ends what is sent; what was sent before still arrives.
func (d *Direction) takeNoMore() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
}

func (d *Direction) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.shut, d.closed = true, true
		d.loseAll(causeClosed)
		d.arm(d.advanced)
	}
}

// wait returns when no delivery is under way.
func (d *Direction) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.running {
		d.idle.Wait()
	}
}

// loseAll drops everything that was sent and is not being delivered.
func (d *Direction) loseAll(why cause) {
	for i, q := range d.queue {
		d.gone(1, int(q.count), q.pkt.Size())
		*d.counters.of(why) += uint64(q.count)
		d.tellWhole(&q, why, d.advanced)
		q.pkt.DecRef()
		d.queue[i] = queued{}
	}
	d.queue = emptied(d.queue)
	if d.waiting != nil {
		d.waiting.each(func(p *packet) { d.lose(p, why) })
	}
	if d.trace != nil && d.trace.transit != nil {
		d.lose(d.trace.transit, why)
		d.trace.transit = nil
	}
	for p := d.flight.pop(forever); p != nil; p = d.flight.pop(forever) {
		d.lose(p, why)
	}
	d.flight = nil
	// Nothing is there any more that new packets could wait for.
	d.early, d.last = 0, 0
	d.line.free, d.line.carry = min(d.line.free, d.advanced), 0
}
