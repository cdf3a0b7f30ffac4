package link

import "time"

// Shape is what one direction of a wire does to packets. The zero value is a
// perfect wire. It is a value: copy it, change it, give it to a wire.
//
// The order in which a packet meets its parts is netem's: loss, duplication,
// corruption, then the queue, the rate (or the delivery trace), the delay, and
// the slots. A packet larger than MTU is dropped.
type Shape struct {
	Delay     Delay
	Loss      Loss
	Duplicate Chance // a copy follows the packet
	Corrupt   Chance // one bit of it is flipped
	Reorder   Reorder
	Rate      Rate
	Queue     Queue
	Slot      Slot
	MTU       int            // largest IP packet, bytes; 0 is the link's own
	Trace     *DeliveryTrace // when packets may leave, in place of Rate; nil is none
}

// Chance is a probability for each packet.
type Chance struct {
	P           float64 // 0 to 1
	Correlation float64 // 0 to 1: how much a draw resembles the one before
}

// Delay is how long packets are under way. Unless the shape reorders, they
// arrive in the order in which they were sent, also with jitter; netem lets
// jitter alone reorder.
type Delay struct {
	Time         time.Duration
	Jitter       time.Duration // the distribution's spread: half-width of uniform, sigma of the others
	Correlation  float64       // 0 to 1
	Distribution Distribution
}

// Distribution is how jitter is spread around the delay.
type Distribution struct {
	Kind DistributionKind

	// Table is for Samples: deviations from the delay in units of the jitter,
	// one of which is drawn, each as likely.
	Table []float64
	Name  string // of Table, for String; a file's
}

// DistributionKind is netem's name of a distribution.
type DistributionKind uint8

// The distributions. ParetoNormal is netem's: a quarter normal, three quarters
// Pareto.
const (
	Uniform DistributionKind = iota
	Normal
	Pareto
	ParetoNormal
	Samples
)

// Loss says which packets are lost. One model applies: the zero Kind is none.
type Loss struct {
	Kind LossKind

	Chance Chance // LossRandom

	// LossGilbertElliott: from the good state to the bad with P, back with R;
	// lost in the bad with 1-H and in the good with 1-K (netem's gemodel).
	P, R, OneMinusH, OneMinusK float64

	// LossState: the 4-state Markov model: p13, p31, p32, p23, p14.
	P13, P31, P32, P23, P14 float64

	// LossPattern: the pattern repeats; true is lost.
	Pattern []bool

	// LossList: the numbers of the packets that are lost, from 1, rising.
	List []uint64
}

// LossKind is a model of loss.
type LossKind uint8

// The models of loss.
const (
	LossNone LossKind = iota
	LossRandom
	LossGilbertElliott
	LossState
	LossPattern
	LossList
)

// Reorder lets some packets overtake the delay: when Gap-1 packets have been
// delayed since the last that was not, each further one is sent at once with
// probability Chance, until one is (netem's order of things).
type Reorder struct {
	Chance Chance
	Gap    int // 0 is 1: every packet is a candidate
}

// Rate is how fast bits leave: a packet takes its size, with overhead, divided
// by Bits, and the next waits for it.
type Rate struct {
	Bits           uint64 // a second; 0 is without limit
	PacketOverhead int    // bytes added to each packet; may be negative
	CellSize       int    // bytes; packets are rounded up to whole cells; 0 is none
	CellOverhead   int    // bytes added to each cell
}

// Queue is where packets wait for the rate or the trace.
type Queue struct {
	Kind    QueueKind
	Packets int // at most; 0 is 1000 unless Bytes is set
	Bytes   int // at most; 0 is no limit in bytes

	// CoDel's and FQ-CoDel's (RFC 8289, RFC 8290); 0 is 5 ms and 100 ms, 1024
	// flows, a quantum of 1514 bytes.
	Target, Interval time.Duration
	Flows, Quantum   int
}

// QueueKind is what a full queue does.
type QueueKind uint8

// The kinds of queue.
const (
	TailDrop QueueKind = iota // drops what comes
	HeadDrop                  // drops what has waited longest
	CoDel
	FQCoDel
)

// Slot lets packets arrive in bursts only, as on a radio link: slots of Min to
// Max apart, in each at most so many packets and bytes.
type Slot struct {
	Min, Max time.Duration // both 0 is none
	Packets  int           // in a slot; 0 is without limit
	Bytes    int           // in a slot; 0 is without limit
}

// DeliveryTrace says when packets may leave, in the format of mahimahi: each
// entry is a millisecond in which one packet of 1500 bytes may go; the last is
// the length after which it repeats.
type DeliveryTrace struct {
	Name string   // of its file, for String
	At   []uint32 // milliseconds, never falling; the last is above 0
}
