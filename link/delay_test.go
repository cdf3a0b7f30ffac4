package link

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The delays that are drawn have the distribution that their name says: the
// largest distance between the two distribution functions (Kolmogorov, Smirnov)
// is, for n draws, above 1.95/√n with a probability of 1/1000.
func TestDelayDistributions(t *testing.T) {
	const n, mu, jitter = 50_000, 100 * time.Millisecond, 20 * time.Millisecond
	phi := func(x float64) float64 { return (1 + math.Erf(x/math.Sqrt2)) / 2 }
	paretoCDF := func(x float64) float64 { // the inverse of ((1-F)^(-1/3) - 3/2)·4/3
		y := x*3/4 + 1.5
		if y <= 1 {
			return 0
		}
		return 1 - math.Pow(y, -3)
	}
	cut := func(f func(float64) float64) func(float64) float64 { // netem's tables end at 4
		return func(x float64) float64 {
			if x >= 32767.0/8192 {
				return 1
			}
			return f(x)
		}
	}
	table := []float64{-1, 0, 0.5, 2}
	for name, c := range map[string]struct {
		d   Distribution
		cdf func(x float64) float64 // of deviations in units of the jitter
	}{
		"uniform": {Distribution{Kind: Uniform}, func(x float64) float64 { return max(0, min(1, (x+1)/2)) }},
		"normal":  {Distribution{Kind: Normal}, cut(phi)},
		"pareto":  {Distribution{Kind: Pareto}, cut(paretoCDF)},
		"paretonormal": {Distribution{Kind: ParetoNormal}, cut(func(x float64) float64 {
			// No closed form: the quantile function is turned around.
			lo, hi := 0.0, 1.0
			for range 60 {
				u := (lo + hi) / 2
				q := math.Sqrt2*math.Erfinv(2*u-1)/4 + min(32767.0/8192, (math.Pow(1-u, -1.0/3)-1.5)*4/3)*3/4
				if q < x {
					lo = u
				} else {
					hi = u
				}
			}
			return lo
		})},
		"samples": {Distribution{Kind: Samples, Table: table}, func(x float64) float64 {
			below := 0
			for _, v := range table {
				if v <= x {
					below++
				}
			}
			return float64(below) / float64(len(table))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dl := delays{}
			dl.set(Delay{Time: mu, Jitter: jitter, Distribution: c.d})
			d := newDraws(1, "", true)
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = float64(dl.draw(d, uint64(i+1), drawDelay)-mu) / float64(jitter)
			}
			slices.Sort(xs)
			furthest := 0.0
			for i := range xs {
				// At steps of a table the functions are compared behind them.
				if i+1 < n && xs[i+1]-xs[i] < 1e-9 {
					continue
				}
				furthest = max(furthest, math.Abs(c.cdf(xs[i]+1e-7)-float64(i+1)/n))
			}
			require.Less(t, furthest, 1.95/math.Sqrt(n))
		})
	}
}

// A delay is never negative, however large its jitter.
func TestDelayIsNotNegative(t *testing.T) {
	dl := delays{}
	dl.set(Delay{Time: time.Millisecond, Jitter: time.Second, Distribution: Distribution{Kind: Normal}})
	zero := 0
	for i := uint64(1); i <= 1000; i++ {
		d := dl.draw(draws{}, i, drawDelay)
		require.GreaterOrEqual(t, d, time.Duration(0))
		if d == 0 {
			zero++
		}
	}
	require.Greater(t, zero, 400, "half of them would have been negative")
}

// Correlation 1 repeats the first draw; 0.9 makes the next resemble it: the
// correlation of neighbours is rho, within 4/√n and what correlation itself takes
// from n, (1+rho)/(1-rho) = 19.
func TestCorrelatedDelay(t *testing.T) {
	const n = 100_000
	draw := func(rho float64) []float64 {
		dl := delays{}
		dl.set(Delay{Time: 100 * time.Millisecond, Jitter: 50 * time.Millisecond, Correlation: rho})
		d := newDraws(1, "", true)
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = dl.draw(d, uint64(i+1), drawDelay).Seconds()
		}
		return xs
	}
	require.Equal(t, 1, len(slices.Compact(draw(1))))
	for _, rho := range []float64{0, 0.5, 0.9} {
		xs := draw(rho)
		mean, variance, covariance := 0.0, 0.0, 0.0
		for _, x := range xs {
			mean += x / n
		}
		for i, x := range xs {
			variance += (x - mean) * (x - mean) / n
			if i > 0 {
				covariance += (x - mean) * (xs[i-1] - mean) / n
			}
		}
		require.InDelta(t, rho, covariance/variance, 4/math.Sqrt(n/19))
		shrunk := 0.05 * 0.05 / 3 * (1 - rho) / (1 + rho) // of a uniform variance
		require.InEpsilon(t, shrunk, variance, 4*math.Sqrt(2.0/(n/19)))
	}
}

// 100 jitters of a nanosecond, or one of an hour: nothing overflows.
func TestSpread(t *testing.T) {
	require.Equal(t, 4*time.Nanosecond, spread(1, 4))
	require.Equal(t, -4*time.Hour, spread(time.Hour, -4))
	require.Equal(t, 30*time.Minute, spread(time.Hour, 0.5))
	require.Equal(t, time.Duration(0), spread(0, 3))
}
