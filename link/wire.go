package link

import (
	"strata/clock"
)

// DefaultMTU is Ethernet's: 1500 bytes of IP packet.
const DefaultMTU = 1500

// WireConfig says what a wire is like. The zero value is a perfect one.
type WireConfig struct {
	// Loop delivers the packets; nil is real time.
	Loop clock.Loop

	// Ethernet makes the ends send Ethernet frames, each with a MAC address, so
	// that the hosts find each other by ARP and neighbour discovery; false is
	// bare IP packets, which need no addresses on a wire with two ends.
	Ethernet bool

	// MTU is the largest IP packet that one end accepts for sending, in bytes;
	// 0 is DefaultMTU. Super-packets count by their segments.
	MTU uint32

	// NoOffload makes the ends promise nothing: the stacks then cut their
	// segments to the MTU themselves, and compute and verify every checksum. By
	// default TCP passes super-packets and nobody computes what memory
	// cannot break.
	NoOffload bool

	// QueueBytes bounds each direction's queue of packets that were sent and
	// not yet delivered; what would exceed it is dropped and counted. 0 is
	// DefaultQueueBytes.
	QueueBytes int
}

// Wire joins two ends in memory.
type Wire struct {
	a, b   *End
	ab, ba *Direction
}

// NewWire makes a wire. Attach its ends to hosts; closing both hosts, or
// [Wire.Close], ends it.
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
	w.ab = newDirection(c.Loop, w.b, c.QueueBytes)
	w.ba = newDirection(c.Loop, w.a, c.QueueBytes)
	w.a.out, w.b.out = w.ab, w.ba
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

// Close cuts the wire: what is queued or sent later is dropped. It returns
// when no delivery is under way. It may be called again.
func (w *Wire) Close() error {
	w.ab.close()
	w.ba.close()
	w.ab.wait()
	w.ba.wait()
	return nil
}
