package trace

import (
	"fmt"
	"time"
)

// Passage is a packet's way over one direction of a wire, told when it has
// ended: the event's time is when the packet arrived, or was dropped; its flow
// and direction ([Out]) are those of who sent it, and it has no host.
//
// What it took is the sum of its parts, to the nanosecond:
//
//	At - Sent == Queued + Serialized + Delayed
type Passage struct {
	Wire   string    `json:"wire"`   // the wire and the direction: "phone-server from A to B"
	Number uint64    `json:"number"` // of the packet, as the direction counts from 1; of a super-packet that of its last
	Sent   time.Time `json:"sent"`   // when the host gave it to the wire

	Queued     time.Duration `json:"queued"`     // waiting for the rate; nanoseconds, as all of them
	Serialized time.Duration `json:"serialized"` // being sent, bit by bit
	Delayed    time.Duration `json:"delayed"`    // propagation, jitter, slots, and what a rule added

	Dropped   string `json:"dropped,omitempty"`   // why; empty where it arrived. See Dropped…
	Copy      bool   `json:"copy,omitempty"`      // the wire has duplicated it, and this is the copy
	Injected  bool   `json:"injected,omitempty"`  // the wire itself has made it: a reset
	Corrupted bool   `json:"corrupted,omitempty"` // with a bit flipped

	Packet What `json:"packet"` // a Segment, Datagram or ARP; nil where it could not be read
}

// Why a packet was dropped.
const (
	DroppedLoss      = "loss"      // the loss model
	DroppedFull      = "full"      // found the queue, or the wire itself, full
	DroppedHead      = "head"      // had to make room in the queue
	DroppedCoDel     = "codel"     // had waited too long
	DroppedMTU       = "mtu"       // larger than the shape's MTU
	DroppedRule      = "rule"      // a rule
	DroppedDown      = "down"      // the wire was down
	DroppedBlackhole = "blackhole" // sent into a blackhole
	DroppedCorrupt   = "corrupt"   // corrupted where the wire's end sees it
	DroppedDetached  = "detached"  // no host at the other end
	DroppedClosed    = "closed"    // the wire was cut
)

// Layer is Physical.
func (Passage) Layer() Layer { return Physical }

// Kind is "passage".
func (Passage) Kind() string { return "passage" }

// String is like "phone-server from A to B #12 dropped: loss; SYN seq=1 …" or
// "… #13 queued 2ms serialized 1ms delayed 40ms; …".
func (p Passage) String() string {
	s := fmt.Sprintf("%s #%d", p.Wire, p.Number)
	switch {
	case p.Copy:
		s += " (copy)"
	case p.Injected:
		s += " (the wire's own)"
	}
	if p.Dropped != "" {
		s += " dropped: " + p.Dropped
	} else {
		s += fmt.Sprintf(" queued %v serialized %v delayed %v", p.Queued, p.Serialized, p.Delayed)
	}
	if p.Packet != nil {
		s += "; " + p.Packet.String()
	}
	return s
}
