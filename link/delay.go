package link

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// delays draws how long packets are under way.
type delays struct {
	Delay
	chain correlated
}

// set changes the delay; one that is the same goes on where it was.
func (dl *delays) set(to Delay) {
	a, b := dl.Delay, to
	same := slices.Equal(a.Distribution.Table, b.Distribution.Table) &&
		a.Time == b.Time && a.Jitter == b.Jitter && a.Correlation == b.Correlation && a.Distribution.Kind == b.Distribution.Kind
	if !same {
		*dl = delays{Delay: to}
	}
}

// draw is the delay of packet n, never negative.
func (dl *delays) draw(d draws, n uint64, f drawFor) time.Duration {
	if dl.Jitter == 0 {
		return dl.Time
	}
	x := dl.chain.next(d.uniform(n, f), dl.Correlation)
	if dl.Distribution.Kind == Uniform {
		// Within [-jitter, jitter), to the nanosecond.
		return max(0, dl.Time-dl.Jitter+time.Duration(x*float64(2*dl.Jitter)))
	}
	return max(0, dl.Time+spread(dl.Jitter, dl.Distribution.quantile(x)))
}

// spread is sigmas times jitter. Of sigmas 20 bits behind the point count: far
// more than netem's 13, and few enough that processors whose logarithms differ
// in the last bit make the same delay of the same draw.
func spread(jitter time.Duration, sigmas float64) time.Duration {
	const one = 1 << 20
	s := int64(math.Round(sigmas * one))
	hi, lo := bits.Mul64(uint64(jitter), uint64(max(s, -s)))
	d := time.Duration(hi<<44 | lo>>20)
	if s < 0 {
		return -d
	}
	return d
}

// quantile turns x, uniform within [0, 1), into a deviation in units of the
// jitter. The normal and Pareto distributions are those of netem's tables, in
// closed form: of 4 jitters at most on either side; Pareto's with the exponent
// 3, shifted and scaled as there, ((1-x)^(-1/3) - 3/2)·4/3: cut off at 4 that has
// a mean of -0.03 and a standard deviation of 0.82. ParetoNormal is, as there,
// 1/4 of the normal quantile and 3/4 of Pareto's.
func (d *Distribution) quantile(x float64) float64 {
	const most = 32767.0 / 8192 // of netem's table: 16 bits with sign, 13 behind the point
	switch d.Kind {
	case Normal:
		return normal(x, most)
	case Pareto:
		return pareto(x, most)
	case ParetoNormal:
		return normal(x, most)/4 + pareto(x, most)*3/4
	case Samples:
		return d.Table[min(int(x*float64(len(d.Table))), len(d.Table)-1)]
	}
	return 2*x - 1
}

func normal(x, most float64) float64 {
	if x == 0 {
		return -most
	}
	return max(-most, min(most, math.Sqrt2*math.Erfinv(2*x-1)))
}

func pareto(x, most float64) float64 { return min(most, (1/math.Cbrt(1-x)-1.5)*4/3) }
