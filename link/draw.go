package link

// draws are the random numbers of one direction of a wire. Each is a hash of
// (seed, wire, direction, packet number, what it is for), not the next of a
// stream: so what one fault draws, or how many packets another wire carries,
// moves no other draw.
type draws struct{ key uint64 }

// drawFor says what a draw decides. The values are part of what a seed means:
// new ones go to the end.
type drawFor uint64

const (
	drawLoss           drawFor = iota + 1
	drawLossTransition         // of the Gilbert-Elliott chain; drawLoss decides in the state
	drawDuplicate
	drawCorrupt
	drawCorruptBit
	drawReorder
	drawDelay
	drawSlot
	drawFlowHash // FQ-CoDel's: once, for packet 0

	drawOfCopy drawFor = 1 << 8 // added for a duplicate, which has the number of its original
)

func newDraws(seed uint64, wire string, fromA bool) draws {
	key := mix(seed)
	for i := range len(wire) {
		key = mix(key ^ uint64(wire[i]))
	}
	if !fromA {
		key++
	}
	return draws{mix(key)}
}

// mix is SplitMix64's step (Steele, Lea, Flood: Fast splittable pseudorandom
// number generators, 2014): a bijection that lets every bit of x move every bit
// of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// bits is the draw for packet n as 64 bits.
func (d draws) bits(n uint64, f drawFor) uint64 { return mix(mix(d.key^mix(n)) ^ uint64(f)) }

// uniform is the draw for packet n in [0, 1).
func (d draws) uniform(n uint64, f drawFor) float64 { return float64(d.bits(n, f)>>11) / (1 << 53) }

// correlated is a draw that resembles the one before, as netem makes it
// (get_crandom): x = (1-rho)·u + rho·x of the packet before. That keeps x
// within [0, 1) with mean 1/2, but draws it together around it: the variance
// falls by (1-rho)/(1+rho). So, as with netem, a rare event is rarer than its
// probability says when it is correlated, and jitter is smaller.
type correlated struct {
	last  float64
	begun bool // before it there is no x to resemble
}

func (c *correlated) next(u, rho float64) float64 {
	if rho == 0 {
		return u
	}
	if c.begun {
		// The conversions forbid to fuse multiplication and addition, which
		// would round otherwise on other processors.
		u = float64((1-rho)*u) + float64(rho*c.last)
	}
	c.last, c.begun = u, true
	return u
}

// chances is a Chance that is drawn for every packet.
type chances struct {
	Chance
	chain correlated
}

// set changes the chance; one that is the same goes on where it was.
func (c *chances) set(to Chance) {
	if c.Chance != to {
		*c = chances{Chance: to}
	}
}

func (c *chances) happens(d draws, n uint64, f drawFor) bool {
	return c.P > 0 && c.chain.next(d.uniform(n, f), c.Correlation) < c.P
}
