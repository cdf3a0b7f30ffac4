package workload

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"strata/lab"
	"strata/link"
)

// Params are what a workload runs with.
type Params struct {
	// Shape is what the wires do to the server's packets, Back what they do to
	// the clients'.
	Shape, Back link.Shape

	// Of TCP, on all hosts. Empty and 0 leave it to the stack.
	CongestionControl string // "reno", "cubic"
	MSS               int    // largest segment that is announced, bytes
	Buffers           int    // send and receive, bytes each
	Recovery          string // "rack" or "sack": how losses are found

	// AckDelay is for how long an acknowledgement waits for data; 0: it does
	// not. The kernel has its own.
	AckDelay time.Duration

	Clients      int
	Duration     time.Duration // for how long messages are sent
	Size         int           // of a transfer, bytes
	MessageSize  int           // bytes
	MessageRate  float64       // messages a second, of each client
	PingInterval time.Duration
	PingTimeout  time.Duration
	KeepAlive    net.KeepAliveConfig
	UserTimeout  time.Duration
	Compression  bool
	Outage       time.Duration
	Jitter       float64 // of reconnection delays, 0 to 1
}

// Setting is the value of an axis, in the words of the command line.
type Setting struct {
	Axis  string `json:"axis"`
	Value string `json:"value"`
}

// Flag is like "--loss 5%", with quotes where a shell needs them.
func (s Setting) Flag() string { return "--" + s.Axis + " " + Quote(s.Value) }

// Quote writes a word so that a shell reads it as one.
func Quote(word string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._%:/@+,-", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Params reads settings: those of the axes that are given replace the workload's
// defaults. An error is one line that names the flag.
func (w *Workload) Params(settings []Setting) (*Params, error) {
	p := &Params{Clients: max(1, w.clients), AckDelay: lab.AckDelay}
	var words []Setting // of the shape
	given := func(axis string) bool {
		return slices.ContainsFunc(settings, func(s Setting) bool { return s.Axis == axis })
	}
	all := slices.Clone(settings)
	ownShape := slices.ContainsFunc(settings, func(s Setting) bool {
		a, ok := axisNamed(s.Axis)
		return ok && a.whole
	})
	for _, d := range w.Defaults {
		a, _ := axisNamed(d.Axis)
		if !given(d.Axis) && !(ownShape && a.set == nil) { // a preset says what the wire is
			all = append(all, d)
		}
	}
	seen := map[string]bool{}
	for _, s := range all {
		a, ok := axisNamed(s.Axis)
		switch {
		case !ok:
			return nil, fmt.Errorf("there is no axis %q; %s", s.Axis, w.axesLine())
		case !w.Takes(s.Axis):
			return nil, fmt.Errorf("--%s: %s has no use for it; %s", s.Axis, w.Name, w.axesLine())
		case seen[s.Axis]:
			return nil, fmt.Errorf("--%s is given twice", s.Axis)
		case a.set == nil:
			words = append(words, s)
		default:
			if err := a.set(p, strings.TrimSpace(s.Value)); err != nil {
				return nil, fmt.Errorf("--%s %q: %w", s.Axis, s.Value, err)
			}
		}
		seen[s.Axis] = true
	}
	var err error
	p.Shape, p.Back, err = shapes(words)
	return p, err
}

func (w *Workload) axesLine() string { return "it takes " + strings.Join(w.AxisNames(), ", ") }

// shapes puts the words of a shape together.
func shapes(words []Setting) (shape, back link.Shape, err error) {
	value := func(axis string) (string, bool) {
		for _, s := range words {
			if s.Axis == axis {
				return strings.TrimSpace(s.Value), true
			}
		}
		return "", false
	}
	var text []string
	if preset, ok := value("preset"); ok {
		text = append(text, "preset "+preset)
	}
	if whole, ok := value("shape"); ok {
		text = append(text, whole)
	}
	jitter, jitters := value("jitter")
	for _, s := range words {
		v := strings.TrimSpace(s.Value)
		a, _ := axisNamed(s.Axis)
		if a.word == "" || v == "0" && !a.keepZero || v == "none" {
			continue
		}
		if s.Axis == "delay" && jitters {
			if strings.Contains(v, " ") {
				return shape, back, fmt.Errorf("--delay %q: has a jitter of its own beside --jitter %s", s.Value, jitter)
			}
			v += " " + jitter
		}
		if _, err := link.ParseShape(a.word + " " + v); err != nil && !strings.Contains(err.Error(), "needs") {
			return shape, back, fmt.Errorf("--%s %q: %s", s.Axis, s.Value, strings.TrimPrefix(err.Error(), "shape: "))
		}
		text = append(text, a.word+" "+v)
	}
	if _, delayed := value("delay"); jitters && !delayed {
		return shape, back, fmt.Errorf("--jitter %s: wants a --delay that it varies", jitter)
	}
	whole := strings.Join(text, " ")
	var other *string
	if b, ok := value("back"); ok {
		if _, err := link.ParseShape(b); err != nil {
			return shape, back, fmt.Errorf("--back %q: %s", b, strings.TrimPrefix(err.Error(), "shape: "))
		}
		other = &b
	}
	if shape, back, err = link.ParseBothWays(whole, other); err != nil {
		return shape, back, fmt.Errorf("the wire %q: %s", whole, strings.TrimPrefix(err.Error(), "shape: "))
	}
	return shape, back, nil
}
