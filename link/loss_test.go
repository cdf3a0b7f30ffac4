package link

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// lossRun is what a model does to n packets: the part that is lost, and the mean
// length of the runs of losses.
func lossRun(m Loss, seed uint64, n int) (part, burst float64) {
	l := losses{}
	l.set(m)
	d := newDraws(seed, "", true)
	lost, runs, before := 0, 0, false
	for i := 1; i <= n; i++ {
		is := l.lost(d, uint64(i))
		if is {
			lost++
			if !before {
				runs++
			}
		}
		before = is
	}
	return float64(lost) / float64(n), float64(lost) / float64(max(runs, 1))
}

// Each model loses what its closed form says, in bursts as long as it says.
//
// Of n packets with bursts of mean length b about n·p/b bursts are independent,
// each with a length whose deviation is about its mean: so the part that is lost
// is within 1/√(n·p/b) of p with probability 2/3, relatively. The bound is four
// times that, √2 wider since gaps vary as bursts do.
func TestLossAgainstClosedForm(t *testing.T) {
	const n = 2_000_000
	for name, c := range map[string]struct {
		model       Loss
		part, burst float64
	}{
		"independent": {
			Loss{Kind: LossRandom, Chance: Chance{P: 0.02}},
			0.02, 1 / (1 - 0.02), // a run goes on with the next loss
		},
		"Gilbert": { // p, r: lost in the bad state
			Loss{Kind: LossGilbertElliott, P: 0.01, R: 0.2, OneMinusH: 1},
			0.01 / (0.01 + 0.2), 1 / 0.2,
		},
		"Gilbert-Elliott":                  gilbertElliottTruth(0.02, 0.1, 0.7, 0.01),
		"4 states":                         fourStatesTruth(0.01, 0.3, 0.2, 0.4, 0.005),
		"4 states without isolated losses": fourStatesTruth(0.02, 0.5, 0, 1, 0),
	} {
		t.Run(name, func(t *testing.T) {
			part, burst := lossRun(c.model, 1, n)
			bound := 4 * math.Sqrt2 / math.Sqrt(n*c.part/c.burst)
			require.InEpsilon(t, c.part, part, bound)
			require.InEpsilon(t, c.burst, burst, bound)
		})
	}
}

type lossTruth = struct {
	model       Loss
	part, burst float64
}

// gilbertElliottTruth: π(bad) = p/(p+r). A run of losses begins with a loss after
// a packet that came through: its probability comes from the two states.
func gilbertElliottTruth(p, r, oneMinusH, oneMinusK float64) lossTruth {
	bad := p / (p + r)
	good := 1 - bad
	part := bad*oneMinusH + good*oneMinusK
	// P(through now, lost next), by the state now and next.
	begins := good*(1-oneMinusK)*((1-p)*oneMinusK+p*oneMinusH) + bad*(1-oneMinusH)*(r*oneMinusK+(1-r)*oneMinusH)
	return lossTruth{Loss{Kind: LossGilbertElliott, P: p, R: r, OneMinusH: oneMinusH, OneMinusK: oneMinusK}, part, part / begins}
}

// fourStatesTruth, from the balance of the states: π3 = π1·p13/p31, π2 = π3·p32/p23,
// π4 = π1·p14; lost in 3 and 4. A run begins with 1→3, 2→3 or 1→4.
func fourStatesTruth(p13, p31, p32, p23, p14 float64) lossTruth {
	s3 := p13 / p31
	s2 := s3 * p32 / p23
	s4 := p14
	s1 := 1 / (1 + s2 + s3 + s4)
	part := (s3 + s4) * s1
	begins := s1 * (p13 + s2*p23 + p14)
	return lossTruth{Loss{Kind: LossState, P13: p13, P31: p31, P32: p32, P23: p23, P14: p14}, part, part / begins}
}

// Correlated loss is netem's, with netem's flaw: x = (1-rho)·u + rho·x' is drawn
// together around 1/2, so that a loss of 10 % with a correlation of 50 % is one of
// less. What it is follows from x's distribution, computed here on a grid as the
// fixed point of F(x) = ∫ F((x - (1-rho)·u)/rho) du.
func TestCorrelatedLoss(t *testing.T) {
	const p, rho, n = 0.2, 0.5, 1_000_000
	want := correlatedBelow(p, rho)
	require.Less(t, want, p)
	part, burst := lossRun(Loss{Kind: LossRandom, Chance: Chance{P: p, Correlation: rho}}, 1, n)
	require.InEpsilon(t, want, part, 4*math.Sqrt2/math.Sqrt(n*want/burst))
	_, independent := lossRun(Loss{Kind: LossRandom, Chance: Chance{P: want}}, 1, n)
	require.Greater(t, burst, 1.2*independent, "losses come together: that is what correlation is for")
}

func correlatedBelow(p, rho float64) float64 {
	const cells = 2000
	f := make([]float64, cells+1) // F at i/cells
	for i := range f {
		f[i] = float64(i) / cells
	}
	at := func(x float64) float64 {
		if x <= 0 {
			return 0
		}
		if x >= 1 {
			return 1
		}
		i := int(x * cells)
		part := x*cells - float64(i)
		return f[i]*(1-part) + f[i+1]*part
	}
	for range 30 { // rho^30 is nothing
		next := make([]float64, cells+1)
		for i := range next {
			const steps = 200
			for u := range steps {
				next[i] += at((float64(i)/cells-(1-rho)*(float64(u)+0.5)/steps)/rho) / steps
			}
		}
		f = next
	}
	return at(p)
}

func TestLossPatternAndList(t *testing.T) {
	fates := func(m Loss, n int) (lost []int) {
		l := losses{}
		l.set(m)
		for i := 1; i <= n; i++ {
			if l.lost(draws{}, uint64(i)) {
				lost = append(lost, i)
			}
		}
		return lost
	}
	require.Equal(t, []int{2, 3, 6, 7, 10}, fates(Loss{Kind: LossPattern, Pattern: []bool{false, true, true, false}}, 10))
	require.Equal(t, []int{1, 5, 6}, fates(Loss{Kind: LossList, List: []uint64{1, 5, 6, 100}}, 10))
	require.Empty(t, fates(Loss{Kind: LossRandom}, 1000))
	require.Len(t, fates(Loss{Kind: LossRandom, Chance: Chance{P: 1}}, 1000), 1000)
}

// A model that is set again as it was goes on in its state: a burst is not cut
// short because the delay was changed.
func TestLossGoesOn(t *testing.T) {
	m := Loss{Kind: LossGilbertElliott, P: 0.05, R: 0.1, OneMinusH: 1}
	run := func(again bool) (lost []bool) {
		l := losses{}
		l.set(m)
		d := newDraws(3, "w", true)
		for i := uint64(1); i <= 1000; i++ {
			if again {
				same := m
				l.set(same)
			}
			lost = append(lost, l.lost(d, i))
		}
		return lost
	}
	require.Equal(t, run(false), run(true))
	require.True(t, slices.Contains(run(false), true))
}

// Draws of one packet for two purposes, of two packets for one, and of two wires
// have nothing to do with each other: their correlation over n pairs is within
// 4/√n of none.
func TestDrawsAreIndependent(t *testing.T) {
	const n = 100_000
	ab, ba, other := newDraws(1, "w", true), newDraws(1, "w", false), newDraws(1, "v", true)
	seed := newDraws(2, "w", true)
	base := func(i uint64) float64 { return ab.uniform(i, drawLoss) }
	for name, f := range map[string]func(uint64) float64{
		"another fault":     func(i uint64) float64 { return ab.uniform(i, drawDuplicate) },
		"the next packet":   func(i uint64) float64 { return ab.uniform(i+1, drawLoss) },
		"another direction": func(i uint64) float64 { return ba.uniform(i, drawLoss) },
		"another wire":      func(i uint64) float64 { return other.uniform(i, drawLoss) },
		"another seed":      func(i uint64) float64 { return seed.uniform(i, drawLoss) },
	} {
		sum, mean := 0.0, 0.0
		for i := uint64(1); i <= n; i++ {
			x, y := base(i), f(i)
			require.True(t, 0 <= y && y < 1)
			sum += (x - 0.5) * (y - 0.5) * 12
			mean += y
		}
		require.InDelta(t, 0, sum/n, 4/math.Sqrt(n), name)
		require.InDelta(t, 0.5, mean/n, 4/math.Sqrt(12*n), name)
	}
}
