package workload

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Expr is a figure's name, or a function of a distribution: "lost", "p99(latency)".
type Expr struct {
	Func string // "" is the figure itself; else min, max, mean, count or p0 to p100
	Name string

	quantile float64 // of p50 and the like
}

// ParseExpr reads one.
func ParseExpr(text string) (Expr, error) {
	text = strings.TrimSpace(text)
	open := strings.IndexByte(text, '(')
	if open < 0 {
		if text == "" || strings.ContainsAny(text, ")<>=") {
			return Expr{}, fmt.Errorf("%q: a figure is wanted, like lost or p99(latency)", text)
		}
		return Expr{Name: text}, nil
	}
	e := Expr{Func: strings.TrimSpace(text[:open]), Name: strings.TrimSpace(strings.TrimSuffix(text[open+1:], ")"))}
	if !strings.HasSuffix(text, ")") || e.Name == "" || strings.ContainsAny(e.Name, "()") {
		return Expr{}, fmt.Errorf("%q: a name in brackets is wanted, like p99(latency)", text)
	}
	switch e.Func {
	case "min", "max", "mean", "count":
		return e, nil
	}
	q, err := strconv.ParseFloat(strings.TrimPrefix(e.Func, "p"), 64)
	if err != nil || !strings.HasPrefix(e.Func, "p") || !(q >= 0 && q <= 100) {
		return Expr{}, fmt.Errorf("%q: min, max, mean, count or p50, p99 and the like are wanted before the brackets", e.Func)
	}
	e.quantile = q / 100
	return e, nil
}

// String is what ParseExpr reads.
func (e Expr) String() string {
	if e.Func == "" {
		return e.Name
	}
	return e.Func + "(" + e.Name + ")"
}

// Eval is the value of an expression over the results, in its unit: of a figure
// the mean over the results that have it, of a function that of all samples of
// that name together. The error says what there is instead.
func (e Expr) Eval(results []*Result) (value float64, unit string, err error) {
	var all []float64
	known := map[string]bool{}
	for _, r := range results {
		for _, f := range r.Figures {
			known[f.Name] = true
			if e.Name == f.Name {
				all, unit = append(all, f.Value), f.Unit
			}
		}
		for _, s := range r.Samples {
			known[s.Name] = true
			if e.Func != "" && e.Name == s.Name {
				all, unit = append(all, s.Values...), s.Unit
			}
		}
	}
	if len(all) == 0 {
		if e.Func == "count" && known[e.Name] {
			return 0, Count, nil
		}
		return math.NaN(), "", fmt.Errorf("%s: no such figure; there are %s", e, strings.Join(sortedKeys(known), ", "))
	}
	switch e.Func {
	case "", "mean":
		sum := 0.0
		for _, v := range all {
			sum += v
		}
		return sum / float64(len(all)), unit, nil
	case "count":
		return float64(len(all)), Count, nil
	case "min":
		return slices.Min(all), unit, nil
	case "max":
		return slices.Max(all), unit, nil
	}
	slices.Sort(all)
	return Quantile(all, e.quantile), unit, nil
}

func sortedKeys(m map[string]bool) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Quantile is the smallest of the values, which are sorted and not none, that at
// least the share q of them does not exceed.
func Quantile(sorted []float64, q float64) float64 {
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// Eval is the value of an expression, like "lost" or "p99(latency)".
func (r *Result) Eval(expr string) (float64, error) {
	e, err := ParseExpr(expr)
	if err != nil {
		return 0, err
	}
	v, _, err := e.Eval([]*Result{r})
	return v, err
}
