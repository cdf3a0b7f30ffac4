package link

import (
	"math"
	"strconv"
	"strings"
)

// part reads the part that begins with w, the next word.
func (p *parser) part(w word) {
	p.next++
	p.read(w, w.text)
}

// read reads what follows the word name; w is what to blame, and where.
func (p *parser) read(w word, name string) {
	switch name {
	case "latency":
		name = "delay"
	case "drop":
		name = "loss"
	}
	if w.quoted {
		p.fail(w, unknown(w))
		return
	}
	first := p.seen == nil
	p.mark(name, w)
	if p.err != nil {
		return
	}
	s := &p.shape
	switch name {
	case "preset":
		p.preset(w, first)
	case "delay":
		p.delay()
	case "distribution":
		p.distribution()
	case "loss":
		p.loss()
	case "corrupt":
		s.Corrupt = p.chance()
	case "duplicate":
		s.Duplicate = p.chance()
	case "reorder":
		gap := s.Reorder.Gap
		if !p.given("gap") {
			gap = 0 // a preset's
		}
		s.Reorder = Reorder{Chance: p.chance(), Gap: gap}
	case "gap":
		s.Reorder.Gap = takeValue(p, whole(0, math.MaxInt32))
	case "rate":
		p.rate()
	case "trace":
		p.trace()
	case "queue":
		p.queue()
	case "limit":
		s.Queue.Packets = takeValue(p, readPackets)
	case "slot":
		p.slot()
	case "mtu":
		s.MTU = takeValue(p, whole(minMTU, maxMTU))
	default:
		delete(p.seen, name)
		p.fail(w, unknown(w))
	}
}

func (p *parser) preset(w word, first bool) {
	if !first {
		p.fail(w, "preset comes first; the words behind it change it")
		return
	}
	name := p.take()
	down, up, ok := Preset(name.text)
	if !ok {
		p.fail(name, "expected a preset: "+oneOf(Presets()))
		return
	}
	p.shape = down
	switch p.peek().text {
	case "up":
		p.shape = up
		p.next++
	case "down":
		p.next++
	}
}

func (p *parser) delay() {
	d := Delay{Time: takeValue(p, readTime)}
	if p.number() {
		d.Jitter = takeValue(p, readTime)
		if p.number() {
			d.Correlation = takeValue(p, readPercent)
		}
	}
	if p.given("distribution") {
		d.Distribution = p.shape.Delay.Distribution
	}
	p.shape.Delay = d
}

func (p *parser) distribution() {
	w := p.take()
	for kind, name := range distributionNames {
		if w.text == name && !w.quoted {
			p.shape.Delay.Distribution = Distribution{Kind: DistributionKind(kind)}
			return
		}
	}
	if w.text == "" {
		p.fail(w, "expected uniform, normal, pareto, paretonormal or a file with a table")
		return
	}
	f, err := openRegular(w.text)
	if err == nil {
		defer f.Close()
		p.shape.Delay.Distribution, err = ReadDistribution(f, w.text)
	}
	p.failFile(w, err, "expected uniform, normal, pareto, paretonormal or a file with a table")
}

func (p *parser) chance() Chance {
	c := Chance{P: takeValue(p, readPercent)}
	if p.number() {
		c.Correlation = takeValue(p, readPercent)
	}
	return c
}

func (p *parser) loss() {
	w := p.peek()
	switch w.text {
	case "state":
		p.next++
		l := Loss{Kind: LossState, P13: takeValue(p, readPercent)}
		l.P31, l.P32, l.P23, l.P14 = stateDefaults(l.P13)
		p.percents(&l.P31, &l.P32, &l.P23, &l.P14)
		p.shape.Loss = l
	case "gemodel":
		p.next++
		l := Loss{Kind: LossGilbertElliott, P: takeValue(p, readPercent)}
		l.R, l.OneMinusH, l.OneMinusK = gilbertElliottDefaults(l.P)
		p.percents(&l.R, &l.OneMinusH, &l.OneMinusK)
		p.shape.Loss = l
	case "pattern":
		p.next++
		p.shape.Loss = Loss{Kind: LossPattern, Pattern: takeValue(p, readPattern)}
	case "list":
		p.next++
		p.shape.Loss = Loss{Kind: LossList, List: takeValue(p, readList)}
	case "random":
		p.next++
		p.shape.Loss = Loss{Kind: LossRandom, Chance: p.chance()}
	default:
		if !p.number() {
			p.fail(w, expectedPercent+", or random, state, gemodel, pattern or list")
			return
		}
		p.shape.Loss = Loss{Kind: LossRandom, Chance: p.chance()}
	}
}

// percents reads as many values as there are, for those that may be left out
// from the last.
func (p *parser) percents(into ...*float64) {
	for _, v := range into {
		if !p.number() {
			return
		}
		*v = takeValue(p, readPercent)
	}
}

// stateDefaults are tc's for what is left out of loss state.
func stateDefaults(p13 float64) (p31, p32, p23, p14 float64) { return 1 - p13, 0, 1, 0 }

// gilbertElliottDefaults are tc's for what is left out of loss gemodel.
func gilbertElliottDefaults(p float64) (r, oneMinusH, oneMinusK float64) { return 1 - p, 1, 0 }

// maxLossPackets bounds a pattern and a list of losses.
const maxLossPackets = 1 << 16

func readPattern(s string) ([]bool, string) {
	const expected = "expected a pattern such as 0010, 1 is lost"
	if len(s) > maxLossPackets {
		return nil, "too long: at most " + strconv.Itoa(maxLossPackets) + " packets"
	}
	if s == "" {
		return nil, expected
	}
	pattern := make([]bool, len(s))
	for i := range s {
		if s[i] != '0' && s[i] != '1' {
			return nil, expected
		}
		pattern[i] = s[i] == '1'
	}
	return pattern, ""
}

func readList(s string) ([]uint64, string) {
	const expected = "expected numbers of packets such as 3,7,9-12, from 1, rising"
	var numbers []uint64
	last := uint64(0)
	for item := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(item, "-")
		if !isRange {
			to = from
		}
		a, err := strconv.ParseUint(from, 10, 64)
		b, err2 := strconv.ParseUint(to, 10, 64)
		if err != nil || err2 != nil || a <= last || b < a {
			return nil, expected
		}
		if b-a >= maxLossPackets-uint64(len(numbers)) {
			return nil, "too many: at most " + strconv.Itoa(maxLossPackets) + " packets"
		}
		for n := a; ; n++ { // b may be the largest there is
			numbers = append(numbers, n)
			if n == b {
				break
			}
		}
		last = b
	}
	return numbers, ""
}

func (p *parser) rate() {
	r := Rate{Bits: takeValue(p, readRate)}
	if p.signed() {
		r.PacketOverhead = takeValue(p, whole(-maxOverhead, maxOverhead))
		if p.number() {
			r.CellSize = takeValue(p, whole(0, maxOverhead))
			if p.signed() {
				r.CellOverhead = takeValue(p, whole(-maxOverhead, maxOverhead))
			}
		}
	}
	if !p.given("trace") {
		p.shape.Trace = nil // a preset's
	}
	p.shape.Rate = r
}

func (p *parser) trace() {
	w := p.take()
	if w.text == "" {
		p.fail(w, "expected a file with a delivery trace")
		return
	}
	f, err := openRegular(w.text)
	if err == nil {
		defer f.Close()
		p.shape.Trace, err = ReadDeliveryTrace(f, w.text)
	}
	if !p.given("rate") {
		p.shape.Rate = Rate{} // a preset's
	}
	p.failFile(w, err, "")
}

func (p *parser) queue() {
	w := p.take()
	q := Queue{}
	if p.given("limit") {
		q.Packets = p.shape.Queue.Packets
	}
	known := false
	for kind, name := range queueNames {
		if w.text == name {
			q.Kind, known = QueueKind(kind), true
		}
	}
	if !known {
		p.fail(w, "expected a kind of queue: "+oneOf(queueNames[:]))
		return
	}
	for {
		w := p.peek()
		switch w.text {
		case "limit", "bytes", "target", "interval", "flows", "quantum":
		default:
			p.shape.Queue = q
			return
		}
		p.next++
		if w.text == "limit" {
			p.mark("limit", w)
		} else {
			p.mark("queue "+w.text, w)
		}
		switch w.text {
		case "limit":
			q.Packets = takeValue(p, readPackets)
		case "bytes":
			q.Bytes = takeValue(p, readSize)
		case "target":
			q.Target = takeValue(p, readTime)
		case "interval":
			q.Interval = takeValue(p, readTime)
		case "flows":
			q.Flows = takeValue(p, whole(1, maxFlows))
		case "quantum":
			q.Quantum = takeValue(p, readSize)
		}
		if p.err != nil {
			return
		}
	}
}

func (p *parser) slot() {
	if w := p.peek(); w.text == "distribution" {
		p.fail(w, "slot distribution is not here; write slot MIN MAX")
		return
	}
	w := p.peek()
	s := Slot{Min: takeValue(p, readTime)}
	s.Max = s.Min
	if p.number() {
		w = p.peek()
		s.Max = takeValue(p, readTime)
	}
	switch {
	case s.Max < s.Min:
		p.fail(w, "the longest is shorter than the shortest")
	case s.Max == 0:
		p.fail(w, "slots of no length")
	}
	// In this order, as tc has it.
	if p.peek().text == "packets" {
		p.next++
		s.Packets = takeValue(p, whole(1, math.MaxInt32))
	}
	if p.peek().text == "bytes" {
		p.next++
		s.Bytes = takeValue(p, readSize)
	}
	p.shape.Slot = s
}
