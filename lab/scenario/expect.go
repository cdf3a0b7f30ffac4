package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"strata/lab/workload"
)

// Expectation is what a figure is expected to be.
type Expectation struct {
	Expr  workload.Expr
	Op    string // "<", "<=", ">", ">=", "=="
	Limit float64
	Unit  string // that the limit was given in: workload.Seconds, workload.Bits, or Count
	Text  string // as it was written
	Line  int    // in the file
}

// ops are the comparisons; those that begin another come behind it.
var ops = []string{"<=", ">=", "==", "<", ">"}

func (p *parser) expect(n *yaml.Node) error {
	lines := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		lines = n.Content
	}
	for _, l := range lines {
		text, err := p.text(l)
		if err != nil {
			return err
		}
		e, reason := parseExpectation(text)
		if reason != "" {
			return p.fail(l, "%s", reason)
		}
		e.Line = l.Line
		p.s.Expect = append(p.s.Expect, e)
	}
	return nil
}

func parseExpectation(text string) (e Expectation, reason string) {
	e.Text = text
	for _, op := range ops {
		left, right, ok := strings.Cut(text, op)
		if !ok {
			continue
		}
		e.Op = op
		var err error
		if e.Expr, err = workload.ParseExpr(left); err != nil {
			return e, err.Error()
		}
		if e.Limit, e.Unit, ok = limit(strings.TrimSpace(right)); !ok {
			return e, fmt.Sprintf("%q: a number, a time like 400ms or a rate like 2mbit is wanted", clip(right))
		}
		return e, ""
	}
	return e, fmt.Sprintf("%q: a comparison is wanted, like p99(latency) < 400ms", clip(text))
}

// rates are the units of a rate.
var rates = map[string]float64{"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}

func limit(text string) (v float64, unit string, ok bool) {
	digits := strings.TrimRight(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz")
	if factor, is := rates[strings.ToLower(text)[len(digits):]]; is {
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		return v * factor, workload.Bits, err == nil
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v, workload.Count, v-v == 0 // neither infinite nor none
	}
	d, err := time.ParseDuration(text)
	return d.Seconds(), workload.Seconds, err == nil
}

// Verdict is what became of an expectation.
type Verdict struct {
	Expectation
	Value float64
	Is    string // the value, for people
	OK    bool
}

// Judge holds results to the expectations. An *Error names an expectation of
// something that there is not.
func (s *Scenario) Judge(file string, results []*workload.Result) ([]Verdict, error) {
	var verdicts []Verdict
	for _, e := range s.Expect {
		v, unit, err := e.Expr.Eval(results)
		if err != nil {
			return nil, &Error{File: file, Line: e.Line, Reason: err.Error()}
		}
		if e.Unit != unit && (e.Unit != workload.Count || unit == workload.Seconds || unit == workload.Bits) && e.Limit != 0 {
			return nil, &Error{File: file, Line: e.Line, Reason: fmt.Sprintf("%s is %s, and cannot be compared with %s", e.Expr, workload.Format(v, unit), strings.TrimSpace(strings.SplitN(e.Text, e.Op, 2)[1]))}
		}
		verdicts = append(verdicts, Verdict{Expectation: e, Value: v, Is: workload.Format(v, unit), OK: holds(v, e.Op, e.Limit)})
	}
	return verdicts, nil
}

func holds(v float64, op string, limit float64) bool {
	switch op {
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case ">":
		return v > limit
	case ">=":
		return v >= limit
	}
	return v == limit
}
