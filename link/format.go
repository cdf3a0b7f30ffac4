package link

import (
	"encoding"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	_ fmt.Stringer             = Shape{}
	_ encoding.TextMarshaler   = Shape{}
	_ encoding.TextUnmarshaler = (*Shape)(nil)
)

var (
	distributionNames = [...]string{Uniform: "uniform", Normal: "normal", Pareto: "pareto", ParetoNormal: "paretonormal"}
	queueNames        = [...]string{TailDrop: "taildrop", HeadDrop: "headdrop", CoDel: "codel", FQCoDel: "fq_codel"}
)

// String is the shape in the words of [ParseShape], which makes the same shape
// of it again. A perfect wire is "". A delivery trace and a table of samples
// are the names of their files; where they have none, the text cannot be read
// back, and MarshalText has an error instead.
func (s Shape) String() string {
	var b strings.Builder
	for i, p := range s.phrases() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.word)
		b.WriteByte(' ')
		b.WriteString(p.rest)
	}
	return b.String()
}

// MarshalText is [Shape.String] of a shape that is valid and can be read back.
func (s Shape) MarshalText() ([]byte, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	return []byte(s.String()), nil
}

// UnmarshalText is [ParseShape].
func (s *Shape) UnmarshalText(text []byte) error {
	parsed, err := ParseShape(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

func (s Shape) writable() error {
	switch {
	case s.Trace != nil && s.Trace.Name == "":
		return errors.New("shape: trace: has no file's name to write")
	case s.Delay.Distribution.Kind == Samples && s.Delay.Distribution.Name == "":
		return errors.New("shape: distribution: the table has no file's name to write")
	}
	return s.Validate()
}

// phrase is one part of a shape: its word and what follows it.
type phrase struct{ word, rest string }

// phrases are the parts of which s is more than a perfect wire.
func (s *Shape) phrases() []phrase {
	var ps []phrase
	add := func(word, rest string) {
		if rest != "" {
			ps = append(ps, phrase{word, rest})
		}
	}
	add("delay", s.Delay.words())
	add("loss", s.Loss.words())
	add("duplicate", s.Duplicate.words())
	add("corrupt", s.Corrupt.words())
	add("reorder", s.Reorder.words())
	add("rate", s.Rate.words())
	if s.Trace != nil {
		add("trace", formatName(s.Trace.Name))
	}
	if (s.Queue == Queue{Packets: s.Queue.Packets}) {
		if s.Queue.Packets != 0 {
			add("limit", strconv.Itoa(s.Queue.Packets))
		}
	} else {
		add("queue", s.Queue.words())
	}
	add("slot", s.Slot.words())
	if s.MTU != 0 {
		add("mtu", strconv.Itoa(s.MTU))
	}
	return ps
}

func (d *Delay) words() string {
	w := ""
	if d.Time != 0 || d.Jitter != 0 || d.Correlation != 0 {
		w = formatTime(d.Time)
	}
	if d.Jitter != 0 || d.Correlation != 0 {
		w += " " + formatTime(d.Jitter)
	}
	if d.Correlation != 0 {
		w += " " + formatPercent(d.Correlation)
	}
	switch kind := d.Distribution.Kind; kind {
	case Uniform:
	case Samples:
		name := formatName(d.Distribution.Name)
		for _, builtIn := range distributionNames {
			if name == builtIn {
				name = strconv.Quote(name)
			}
		}
		w += " distribution " + name
	default:
		if int(kind) < len(distributionNames) {
			w += " distribution " + distributionNames[kind]
		}
	}
	return w
}

func (c *Chance) words() string {
	switch {
	case *c == Chance{}:
		return ""
	case c.Correlation == 0:
		return formatPercent(c.P)
	}
	return formatPercent(c.P) + " " + formatPercent(c.Correlation)
}

func (l *Loss) words() string {
	switch l.Kind {
	case LossRandom:
		if w := l.Chance.words(); w != "" {
			return w
		}
		return formatPercent(0)
	case LossGilbertElliott:
		r, h, k := gilbertElliottDefaults(l.P)
		return "gemodel" + formatPercents([]float64{l.P, l.R, l.OneMinusH, l.OneMinusK}, []float64{-1, r, h, k})
	case LossState:
		p31, p32, p23, p14 := stateDefaults(l.P13)
		return "state" + formatPercents([]float64{l.P13, l.P31, l.P32, l.P23, l.P14}, []float64{-1, p31, p32, p23, p14})
	case LossPattern:
		b := make([]byte, len(l.Pattern))
		for i, lost := range l.Pattern {
			b[i] = '0'
			if lost {
				b[i] = '1'
			}
		}
		return "pattern " + string(b)
	case LossList:
		return "list " + formatList(l.List)
	}
	return ""
}

func (r *Reorder) words() string {
	w := r.Chance.words()
	if r.Gap != 0 {
		if w == "" {
			w = formatPercent(0)
		}
		w += " gap " + strconv.Itoa(r.Gap)
	}
	return w
}

func (r *Rate) words() string {
	if *r == (Rate{}) {
		return ""
	}
	w := formatRate(r.Bits)
	if *r != (Rate{Bits: r.Bits}) {
		w += " " + strconv.Itoa(r.PacketOverhead)
	}
	if r.CellSize != 0 || r.CellOverhead != 0 {
		w += " " + strconv.Itoa(r.CellSize)
	}
	if r.CellOverhead != 0 {
		w += " " + strconv.Itoa(r.CellOverhead)
	}
	return w
}

func (q *Queue) words() string {
	w := "?"
	if int(q.Kind) < len(queueNames) {
		w = queueNames[q.Kind]
	}
	for _, v := range []struct {
		given      bool
		name, text string
	}{
		{q.Packets != 0, "limit", strconv.Itoa(q.Packets)},
		{q.Bytes != 0, "bytes", formatSize(q.Bytes)},
		{q.Target != 0, "target", formatTime(q.Target)},
		{q.Interval != 0, "interval", formatTime(q.Interval)},
		{q.Flows != 0, "flows", strconv.Itoa(q.Flows)},
		{q.Quantum != 0, "quantum", formatSize(q.Quantum)},
	} {
		if v.given {
			w += " " + v.name + " " + v.text
		}
	}
	return w
}

func (s *Slot) words() string {
	if *s == (Slot{}) {
		return ""
	}
	w := formatTime(s.Min)
	if s.Max != s.Min {
		w += " " + formatTime(s.Max)
	}
	if s.Packets != 0 {
		w += " packets " + strconv.Itoa(s.Packets)
	}
	if s.Bytes != 0 {
		w += " bytes " + formatSize(s.Bytes)
	}
	return w
}
