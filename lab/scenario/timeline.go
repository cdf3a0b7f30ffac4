package scenario

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"strata/link"
)

// longest is the latest that something may happen.
const longest = 24 * time.Hour

const eventForm = "at 3s: blackhole phone→server for 20s"

func (p *parser) timeline(n *yaml.Node) error {
	entries, err := p.entries(n, eventForm)
	if err != nil {
		return err
	}
	if len(entries) > maxEvents {
		return p.fail(n, "timeline: at most %d events", maxEvents)
	}
	for _, e := range entries {
		text, err := p.text(e.value)
		if err != nil {
			return err
		}
		when, ok := strings.CutPrefix(e.key.Value, "at ")
		at, perr := time.ParseDuration(strings.TrimSpace(when))
		if !ok || perr != nil || at < 0 || at > longest {
			return p.fail(e.key, "%q: a time is wanted, like %s", clip(e.key.Value), eventForm)
		}
		event, err := p.event(e.value, text)
		if err != nil {
			return err
		}
		event.At, event.Text = at, text
		p.s.Timeline = append(p.s.Timeline, *event)
	}
	return nil
}

// event reads what happens.
func (p *parser) event(n *yaml.Node, text string) (*Event, error) {
	e := &Event{}
	if i := strings.LastIndex(text, " for "); i >= 0 {
		d, err := time.ParseDuration(strings.TrimSpace(text[i+len(" for "):]))
		if err != nil || d <= 0 || d > longest {
			return nil, p.fail(n, "%q: for how long? a time is wanted behind for, like 20s", clip(text))
		}
		e.For, text = d, text[:i]
	}
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "blackhole", "down":
		if verb == "down" {
			e.Do = Down
		}
		return e, p.onWire(n, e, rest)
	case "partition":
		e.Do = Partition
		for name := range strings.SplitSeq(rest, ",") {
			host, err := p.host(n, name)
			if err != nil {
				return nil, err
			}
			e.Cut = append(e.Cut, host)
		}
		return e, nil
	case "shape":
		e.Do = Reshape
		// The hosts end where the shape's first word begins: arrows may have
		// spaces around them.
		for _, arrow := range []string{"↔", "<->", "→", "->"} {
			rest = strings.ReplaceAll(rest, " "+arrow, arrow)
			rest = strings.ReplaceAll(rest, arrow+" ", arrow)
		}
		hosts, shape, _ := strings.Cut(rest, " ")
		if err := p.onWire(n, e, hosts); err != nil {
			return nil, err
		}
		var err error
		if e.New, err = link.ParseShape(shape); err != nil {
			return nil, p.fail(n, "%s", err)
		}
		return e, nil
	}
	return nil, p.fail(n, "%q: blackhole, down, partition or shape is wanted, like %s", clip(verb), eventForm)
}

// onWire reads which wire, or which direction of it, is meant.
func (p *parser) onWire(n *yaml.Node, e *Event, text string) (err error) {
	if e.From, e.To, e.Both, err = p.between(n, text); err != nil {
		return err
	}
	if !slices.ContainsFunc(p.s.Wires, func(w Wire) bool { return w.joins(e.From, e.To) }) {
		return p.fail(n, "there is no wire between %s and %s", e.From, e.To)
	}
	return nil
}
