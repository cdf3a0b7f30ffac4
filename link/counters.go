package link

import (
	"time"

	"strata/trace"
)

// Counters are what one direction of a wire has seen since it was made. A
// super-packet counts by the packets of at most one MTU that it stands for,
// whether it passed whole or was cut; its bytes are those that were moved.
//
// Nothing is lost that is not counted: at any time
//
//	Packets + Duplicated + Injected == Delivered + Dropped() + UnderWay
type Counters struct {
	Packets uint64 `json:"packets"` // sent into it by the host
	Bytes   uint64 `json:"bytes"`   // of those, with all headers

	Delivered      uint64 `json:"delivered"` // packets that arrived
	DeliveredBytes uint64 `json:"deliveredBytes"`

	// Packets that never arrived, by what became of them.
	DroppedLoss      uint64 `json:"droppedLoss"`      // the loss model
	DroppedFull      uint64 `json:"droppedFull"`      // found the queue, or the wire itself, full
	DroppedHead      uint64 `json:"droppedHead"`      // had to make room: head drop, FQ-CoDel's longest flow
	DroppedCoDel     uint64 `json:"droppedCoDel"`     // had waited too long
	DroppedMTU       uint64 `json:"droppedMTU"`       // were larger than the shape's MTU
	DroppedRule      uint64 `json:"droppedRule"`      // a rule dropped them
	DroppedDown      uint64 `json:"droppedDown"`      // sent, queued or under way while the wire was down
	DroppedBlackhole uint64 `json:"droppedBlackhole"` // sent into a blackhole
	DroppedCorrupt   uint64 `json:"droppedCorrupt"`   // corrupted where no checksum of the packet tells: the end found it
	DroppedDetached  uint64 `json:"droppedDetached"`  // no host at the other end, or no frame
	DroppedClosed    uint64 `json:"droppedClosed"`    // sent into, or still in, a wire that was cut

	Corrupted  uint64 `json:"corrupted"`  // packets with a bit flipped
	Duplicated uint64 `json:"duplicated"` // copies that were made
	Reordered  uint64 `json:"reordered"`  // packets that arrived after one that was sent later (RFC 4737 §3.3)
	Delayed    uint64 `json:"delayed"`    // packets that a rule held up
	Marked     uint64 `json:"marked"`     // packets that a rule marked with Congestion Experienced
	Injected   uint64 `json:"injected"`   // packets that the wire itself made: resets

	// Waiting for the rate or the delivery trace, now and at most ever; and how
	// long the packets that were sent from there had waited.
	Queued         int           `json:"queued"`
	QueuedBytes    int           `json:"queuedBytes"`
	MaxQueued      int           `json:"maxQueued"`
	MaxQueuedBytes int           `json:"maxQueuedBytes"`
	QueueTime      time.Duration `json:"queueTime"` // of all together, nanoseconds
	MaxQueueTime   time.Duration `json:"maxQueueTime"`

	// Accepted and not yet delivered, the queue included.
	UnderWay         int `json:"underWay"`
	UnderWayBytes    int `json:"underWayBytes"`
	MaxUnderWay      int `json:"maxUnderWay"`
	MaxUnderWayBytes int `json:"maxUnderWayBytes"`
}

// Dropped are all packets that never arrived.
func (c Counters) Dropped() uint64 {
	return c.DroppedLoss + c.DroppedFull + c.DroppedHead + c.DroppedCoDel + c.DroppedMTU + c.DroppedRule +
		c.DroppedDown + c.DroppedBlackhole + c.DroppedCorrupt + c.DroppedDetached + c.DroppedClosed
}

// cause is why a packet is dropped.
type cause uint8

const (
	causeLoss cause = 1 + iota
	causeFull
	causeHead
	causeCoDel
	causeMTU
	causeRule
	causeDown
	causeBlackhole
	causeCorrupt
	causeDetached
	causeClosed
)

// of is the counter of a cause.
func (c *Counters) of(why cause) *uint64 {
	return [...]*uint64{
		causeLoss: &c.DroppedLoss, causeFull: &c.DroppedFull, causeHead: &c.DroppedHead, causeCoDel: &c.DroppedCoDel,
		causeMTU: &c.DroppedMTU, causeRule: &c.DroppedRule, causeDown: &c.DroppedDown, causeBlackhole: &c.DroppedBlackhole,
		causeCorrupt: &c.DroppedCorrupt, causeDetached: &c.DroppedDetached, causeClosed: &c.DroppedClosed,
	}[why]
}

// String is the cause's name in a trace.
func (why cause) String() string {
	return [...]string{
		causeLoss: trace.DroppedLoss, causeFull: trace.DroppedFull, causeHead: trace.DroppedHead, causeCoDel: trace.DroppedCoDel,
		causeMTU: trace.DroppedMTU, causeRule: trace.DroppedRule, causeDown: trace.DroppedDown, causeBlackhole: trace.DroppedBlackhole,
		causeCorrupt: trace.DroppedCorrupt, causeDetached: trace.DroppedDetached, causeClosed: trace.DroppedClosed,
	}[why]
}
