package link

import (
	"fmt"

	"strata/clock"
	"strata/trace"
)

// DefaultMTU is Ethernet's: 1500 bytes of IP packet.
const DefaultMTU = 1500

// WireConfig says what a wire is like. The zero value is a perfect one.
type WireConfig struct {
	// Loop delivers the packets; nil is real time.
	Loop clock.Loop

	// Name tells the wire from others, in errors and in what its draws come
	// from: wires with different names have independent faults.
	Name string

	// Seed is what all that is left to chance on the wire comes from. The same
	// seed and name give the same packets the same fates.
	Seed uint64

	// AB and BA are the shapes of the directions from A to B and from B to A at
	// first; they must be valid (see [Shape.Validate]).
	AB, BA Shape

	// Ethernet makes the ends send Ethernet frames, each with a MAC address, so
	// that the hosts find each other by ARP and neighbour discovery; false is
	// bare IP packets, which need no addresses on a wire with two ends.
	Ethernet bool

	// MTU is the largest IP packet that one end accepts for sending, in bytes;
	// 0 is DefaultMTU. Super-packets count by their segments.
	MTU uint32

	// NoOffload makes the ends promise nothing: the stacks then cut their
	// segments to the MTU themselves, and compute and verify every checksum. By
	// default TCP passes super-packets, which a wire cuts only where it has a
	// shape or rules, and nobody computes what memory cannot break.
	NoOffload bool

	// NoSuperPackets makes the stacks cut their segments to the MTU themselves,
	// as NoOffload does, and leaves checksums alone. On a wire that loses
	// packets it makes TCP what it is elsewhere: of a super-packet that the wire
	// has cut, gVisor sends more again than the part that was lost.
	NoSuperPackets bool

	// Recorder is told what became of each packet that it wants to hear of, as
	// a [trace.Passage]; nil is nobody.
	Recorder trace.Recorder

	// QueueBytes bounds each direction's packets that were sent and not yet
	// delivered, wherever they are: waiting for the rate, or under way. What
	// would exceed it is dropped and counted, and so is a packet beyond one for
	// each 512 of these bytes, or beyond 1024 where that is more: a packet takes
	// about as much memory beside its own bytes, so that all together take at
	// most about twice this. 0 is DefaultQueueBytes. A shape's own limit, which
	// bounds only what waits for its rate, comes before it.
	QueueBytes int
}

// Wire joins two ends in memory. Its methods may be called from any goroutine.
type Wire struct {
	a, b   *End
	ab, ba *Direction
	rules  rules
}

// NewWire makes a wire. Attach its ends to hosts; closing both hosts, or
// [Wire.Close], ends it. It panics where a shape of the configuration is not
// valid; [Direction.Set] answers an error instead.
func NewWire(c WireConfig) *Wire {
	if c.Loop == nil {
		c.Loop = clock.Real()
	}
	if c.MTU == 0 {
		c.MTU = DefaultMTU
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = DefaultQueueBytes
	}
	w := &Wire{a: newEnd(c, macA), b: newEnd(c, macB)}
	w.ab = newDirection(c, w, w.a, w.b)
	w.ba = newDirection(c, w, w.b, w.a)
	w.a.out, w.b.out = w.ab, w.ba
	if err := w.Set(c.AB, c.BA); err != nil {
		panic(fmt.Sprint("link.NewWire: ", err))
	}
	return w
}

// A is one end, B the other.
func (w *Wire) A() *End { return w.a }

// B is the other end.
func (w *Wire) B() *End { return w.b }

// AB is the direction from A to B.
func (w *Wire) AB() *Direction { return w.ab }

// BA is the direction from B to A.
func (w *Wire) BA() *Direction { return w.ba }

// Set changes the shapes of both directions; see [Direction.Set]. Where one is
// not valid neither changes.
func (w *Wire) Set(ab, ba Shape) error {
	if err := ba.Validate(); err != nil {
		return w.ba.refuse(err)
	}
	if err := w.ab.Set(ab); err != nil {
		return err
	}
	return w.ba.Set(ba)
}

// Down takes both directions down; see [Direction.Down].
func (w *Wire) Down() {
	w.ab.Down()
	w.ba.Down()
}

// Up takes both directions up again.
func (w *Wire) Up() {
	w.ab.Up()
	w.ba.Up()
}

// Blackhole makes both directions swallow what is sent from now on, or ends
// that; see [Direction.Blackhole].
func (w *Wire) Blackhole(on bool) {
	w.ab.Blackhole(on)
	w.ba.Blackhole(on)
}

// Rule adds a rule for the packets of both directions, behind the rules that
// there are: the first that does not pass a packet decides. The guard removes
// it.
func (w *Wire) Rule(f Rule) *Guard { return w.rules.add(&guarded{f: f}) }

// Close cuts the wire: what is queued or sent later is dropped. It returns when
// no delivery is under way, so that nobody may call it from one. It may be
// called again, and does not need its loop to run any more.
func (w *Wire) Close() error {
	w.ab.close()
	w.ba.close()
	w.ab.wait()
	w.ba.wait()
	return nil
}
