package report

import (
	_ "embed" // the page's parts
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"strata/lab/sweep"
	"strata/lab/workload"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// quantiles is how many steps of a distribution the page has.
const quantiles = 100

// page is what the page's script is given.
type page struct {
	Workload string             `json:"workload"`
	Axes     []pageAxis         `json:"axes"` // that vary
	Columns  []column           `json:"columns"`
	Points   []point            `json:"points"`
	Advice   []*workload.Table  `json:"advice"`
	Theories []theory           `json:"theories"`
	Samples  []workload.Sample  `json:"samples"` // names and units
	Fixed    []workload.Setting `json:"fixed"`
	Broken   []broken           `json:"broken"`
}

type pageAxis struct {
	axis
	Kinds bool `json:"kinds"` // its values are kinds of something, between which is nothing
}

type column struct {
	Title string `json:"title"`
	Unit  string `json:"unit"`
}

// broken is what some cells broke with.
type broken struct {
	Error    string   `json:"error"`
	Commands []string `json:"commands"` // of the cells, which run each alone
}

// theory says that a figure or sample is beside others.
type theory struct {
	Of   string   `json:"of"`
	Unit string   `json:"unit"`
	Says []string `json:"says"`
}

type point struct {
	At      []string             `json:"at"` // a value for each axis that varies
	Seeds   int                  `json:"seeds"`
	Failed  int                  `json:"failed"`
	Error   string               `json:"error,omitempty"` // of the first that failed
	Values  []*float64           `json:"values"`          // a value for each column; null is none
	Figures map[string][]float64 `json:"figures"`         // mean, min, max of those with a formula beside them, and of the formulas
	ECDF    map[string][]float64 `json:"ecdf"`            // quantiles, by sample
	Slowest *slowest             `json:"slowest,omitempty"`
}

type slowest struct {
	Command     string                `json:"command"`
	Latency     float64               `json:"latency"` // seconds
	Message     *workload.Message     `json:"message"`
	Explanation *workload.Explanation `json:"explanation,omitempty"`
}

// HTML writes the page.
func (r *Report) HTML(w io.Writer) error {
	data, err := json.Marshal(r.page()) // which escapes < and >
	if err != nil {
		return err
	}
	note := ""
	if ran := r.ran(); ran < r.Cells {
		note = fmt.Sprintf("Interrupted: %d of %s run.", ran, count(r.Cells, "cell has", "cells have"))
	}
	return pageTemplate.Execute(w, map[string]any{
		"Title": r.Workload.Name, "Short": r.Workload.Short, "Long": r.Workload.Long,
		"Command": r.Command, "Versions": r.Versions, "Cells": count(r.ran(), "cell", "cells"), "Note": note,
		"Style": template.CSS(pageStyle), "Script": template.JS(pageScript), "Data": template.JS(data),
	})
}

func (r *Report) page() *page {
	// The script asks lists for their length: none is an empty one, not null.
	p := &page{
		Workload: r.Workload.Name, Axes: []pageAxis{}, Columns: []column{}, Points: []point{},
		Advice: append(append([]*workload.Table{}, r.differences()...), r.advice()...), Theories: []theory{}, Samples: []workload.Sample{}, Fixed: []workload.Setting{},
		Broken: r.broken(),
	}
	for _, a := range r.varying() {
		p.Axes = append(p.Axes, pageAxis{a, !quantities(a)})
	}
	for _, a := range r.axes() {
		if len(a.Values) == 1 {
			p.Fixed = append(p.Fixed, workload.Setting{Axis: a.Name, Value: a.Values[0]})
		}
	}
	for _, c := range r.Workload.Columns {
		col := column{Title: c.Title}
		for _, at := range r.Points {
			if _, unit, ok := eval(at, c.Expr); ok {
				col.Unit = unit
			}
		}
		p.Columns = append(p.Columns, col)
	}
	for _, at := range r.Points {
		for _, result := range at.Results() {
			p.learn(result)
		}
	}
	for _, at := range r.Points {
		p.Points = append(p.Points, r.point(p, at))
	}
	return p
}

// measures are the axes' values that are quantities.
var measures = []string{"TIME", "PERCENT", "RATE", "PACKETS", "BYTES", "SIZE", "NUMBER"}

// quantities reports whether an axis has nothing but quantities.
func quantities(a axis) bool {
	i := slices.IndexFunc(workload.Axes(), func(of workload.Axis) bool { return of.Name == a.Name })
	if i < 0 || !slices.Contains(measures, workload.Axes()[i].Value) {
		return false
	}
	return !slices.ContainsFunc(a.Values, func(v string) bool { return v == "" || !strings.ContainsAny(v[:1], ".0123456789") })
}

// broken are the errors there are, in the order of the cells.
func (r *Report) broken() []broken {
	all := []broken{}
	for _, at := range r.Points {
		for _, o := range at.Outcomes {
			if o.Error == "" {
				continue
			}
			i := slices.IndexFunc(all, func(b broken) bool { return b.Error == o.Error })
			if i < 0 {
				i = len(all)
				all = append(all, broken{Error: o.Error})
			}
			all[i].Commands = append(all[i].Commands, o.Cell.Command())
		}
	}
	return all
}

// learn notes which samples and formulas there are.
func (p *page) learn(r *workload.Result) {
	for _, s := range r.Samples {
		if !slices.ContainsFunc(p.Samples, func(o workload.Sample) bool { return o.Name == s.Name }) {
			p.Samples = append(p.Samples, workload.Sample{Name: s.Name, Unit: s.Unit})
		}
	}
	for _, f := range r.Figures {
		if f.Of == "" {
			continue
		}
		i := slices.IndexFunc(p.Theories, func(t theory) bool { return t.Of == f.Of })
		if i < 0 {
			i = len(p.Theories)
			p.Theories = append(p.Theories, theory{Of: f.Of, Unit: f.Unit})
		}
		if !slices.Contains(p.Theories[i].Says, f.Name) {
			p.Theories[i].Says = append(p.Theories[i].Says, f.Name)
		}
	}
}

func (r *Report) point(p *page, at *sweep.Point) point {
	pt := point{
		At: []string{}, Seeds: len(at.Outcomes), Failed: at.Failed(), Values: []*float64{},
		Figures: map[string][]float64{}, ECDF: map[string][]float64{},
	}
	if o := at.Broken(); o != nil {
		pt.Error = o.Error
	}
	for _, a := range p.Axes {
		pt.At = append(pt.At, valueOf(at, a.Name))
	}
	for _, c := range r.Workload.Columns {
		var value *float64
		if v, _, ok := eval(at, c.Expr); ok && !math.IsNaN(v) {
			value = &v
		}
		pt.Values = append(pt.Values, value)
	}
	for _, t := range p.Theories {
		for _, name := range append([]string{t.Of}, t.Says...) {
			mean, _, ok := eval(at, "mean("+name+")")
			if !ok {
				continue
			}
			least, _, _ := eval(at, "min("+name+")")
			most, _, _ := eval(at, "max("+name+")")
			pt.Figures[name] = []float64{mean, least, most}
		}
	}
	for _, s := range p.Samples {
		var all []float64
		for _, result := range at.Results() {
			for _, mine := range result.Samples {
				if mine.Name == s.Name {
					all = append(all, mine.Values...)
				}
			}
		}
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		steps := make([]float64, quantiles+1)
		for i := range steps {
			steps[i] = workload.Quantile(all, float64(i)/quantiles)
		}
		pt.ECDF[s.Name] = steps
	}
	if o := at.Slowest(); o != nil {
		m := o.Result.Slowest
		pt.Slowest = &slowest{Command: o.Cell.Command() + " --trace", Latency: m.Latency().Seconds(), Message: m, Explanation: r.Explanations[o.Cell.Key()]}
	}
	return pt
}
