package processors

import (
	"math"
	"runtime/metrics"
	"time"
)

// waits is how long goroutines waited for a processor since they were last asked
// about; the runtime looks at every eighth.
type waits struct {
	sample [1]metrics.Sample
	counts []uint64 // when last asked
}

func newWaits() *waits {
	w := &waits{sample: [1]metrics.Sample{{Name: "/sched/latencies:seconds"}}}
	w.mean()
	return w
}

// mean is 0 where no goroutine waited.
func (w *waits) mean() time.Duration {
	metrics.Read(w.sample[:])
	h := w.sample[0].Value.Float64Histogram()
	if w.counts == nil {
		w.counts = make([]uint64, len(h.Counts))
	}
	var n uint64
	var sum float64
	for i, count := range h.Counts {
		if more := count - w.counts[i]; more > 0 {
			n += more
			sum += float64(more) * middle(h.Buckets[i], h.Buckets[i+1])
			w.counts[i] = count
		}
	}
	if n == 0 {
		return 0
	}
	return time.Duration(sum / float64(n) * float64(time.Second))
}

// middle is that of a bucket; the first and the last have one end only.
func middle(from, to float64) float64 {
	switch {
	case math.IsInf(from, -1) || from < 0:
		return 0
	case math.IsInf(to, 1):
		return from
	}
	return (from + to) / 2
}
