package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"strata/lab/workload"
	"strata/link"
)

// The bounds of a file.
const (
	maxFile   = 1 << 20 // bytes
	maxHosts  = 200
	maxEvents = 1000
	maxSeeds  = 1000
)

// Parse reads a scenario. file is what its errors begin with; every one is an
// *Error.
func Parse(file string, data []byte) (*Scenario, error) {
	p := &parser{file: file, s: &Scenario{Seeds: 1}}
	if err := p.parse(data); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, &Error{File: file, Reason: err.Error()}
	}
	return p.s, nil
}

type parser struct {
	file string
	s    *Scenario
}

// fail is a mistake at a node.
func (p *parser) fail(n *yaml.Node, format string, args ...any) error {
	return &Error{File: p.file, Line: n.Line, Reason: fmt.Sprintf(format, args...)}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors: *)?(?:line (\d+): )?`)

func (p *parser) parse(data []byte) error {
	if len(data) > maxFile {
		return fmt.Errorf("larger than %d bytes", maxFile)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		e := &Error{File: p.file, Reason: strings.Join(strings.Fields(yamlLine.ReplaceAllString(err.Error(), "")), " ")}
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			fmt.Sscan(m[1], &e.Line)
		}
		return e
	}
	if len(doc.Content) == 0 {
		return errors.New("empty; strata lab init writes one to begin with")
	}
	top := doc.Content[0]
	parts := []struct {
		key  string
		read func(*yaml.Node) error
	}{{"name", p.name}, {"seeds", p.seeds}, {"hosts", p.hosts}, {"wires", p.wires}, {"timeline", p.timeline}, {"workload", p.workload}, {"expect", p.expect}}
	values, err := p.mapping(top)
	if err != nil {
		return err
	}
	var keys []string
	for _, part := range parts {
		keys = append(keys, part.key)
	}
	for _, v := range values {
		if !slices.Contains(keys, v.key.Value) {
			return p.fail(v.key, "unknown key %q; there are %s", clip(v.key.Value), strings.Join(keys, ", "))
		}
	}
	for _, part := range parts { // in this order: wires need hosts
		for _, v := range values {
			if v.key.Value == part.key {
				if err := part.read(v.value); err != nil {
					return err
				}
			}
		}
	}
	return p.whole(top)
}

// whole checks what is missing.
func (p *parser) whole(top *yaml.Node) error {
	s := p.s
	switch {
	case len(s.Hosts) < 2:
		return p.fail(top, "hosts: at least two are wanted")
	case s.Workload == nil:
		return p.fail(top, "workload: none is given; there are %s", strings.Join(workloads(), ", "))
	case len(s.Expect) == 0:
		return p.fail(top, "expect: nothing is expected, so that nothing can fail; like p99(latency) < 400ms")
	}
	for _, c := range s.Clients {
		if !slices.ContainsFunc(s.Wires, func(w Wire) bool { return w.joins(c, s.Server) }) {
			return p.fail(top, "wires: there is none between %s and %s", c, s.Server)
		}
	}
	return nil
}

func workloads() []string {
	var names []string
	for _, w := range workload.All() {
		names = append(names, w.Name)
	}
	return names
}

// pair is an entry of a mapping.
type pair struct{ key, value *yaml.Node }

func (p *parser) mapping(n *yaml.Node) ([]pair, error) {
	if n.Kind != yaml.MappingNode {
		return nil, p.fail(n, "a mapping is wanted, key: value")
	}
	var pairs []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			return nil, p.fail(k, "a word is wanted for a key")
		}
		if slices.ContainsFunc(pairs, func(o pair) bool { return o.key.Value == k.Value }) {
			return nil, p.fail(k, "%q is given twice", clip(k.Value))
		}
		pairs = append(pairs, pair{k, n.Content[i+1]})
	}
	return pairs, nil
}

// entries are those of a list of mappings with one key each.
func (p *parser) entries(n *yaml.Node, what string) ([]pair, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, p.fail(n, "a list is wanted: - %s", what)
	}
	var all []pair
	for _, item := range n.Content {
		pairs, err := p.mapping(item)
		if err != nil || len(pairs) != 1 {
			return nil, p.fail(item, "one entry is wanted: - %s", what)
		}
		all = append(all, pairs[0])
	}
	return all, nil
}

func (p *parser) text(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", p.fail(n, "a word is wanted")
	}
	return strings.TrimSpace(n.Value), nil
}

// words are those of a list, or one parted by commas.
func (p *parser) words(n *yaml.Node) ([]string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		var words []string
		for w := range strings.SplitSeq(n.Value, ",") {
			words = append(words, strings.TrimSpace(w))
		}
		return words, nil
	case yaml.SequenceNode:
		var words []string
		for _, c := range n.Content {
			w, err := p.text(c)
			if err != nil {
				return nil, err
			}
			words = append(words, w)
		}
		return words, nil
	}
	return nil, p.fail(n, "a list of words is wanted")
}

func (p *parser) name(n *yaml.Node) (err error) {
	p.s.Name, err = p.text(n)
	return err
}

func (p *parser) seeds(n *yaml.Node) error {
	if err := n.Decode(&p.s.Seeds); err != nil || p.s.Seeds < 1 || p.s.Seeds > maxSeeds {
		return p.fail(n, "seeds: a number from 1 to %d is wanted", maxSeeds)
	}
	return nil
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (p *parser) hosts(n *yaml.Node) error {
	words, err := p.words(n)
	if err != nil {
		return err
	}
	if len(words) > maxHosts {
		return p.fail(n, "hosts: at most %d", maxHosts)
	}
	for i, w := range words {
		if !hostName.MatchString(w) {
			return p.fail(n, "hosts: %q is no name: lower-case letters, digits and hyphens", clip(w))
		}
		if slices.Contains(words[:i], w) {
			return p.fail(n, "hosts: %s is there twice", w)
		}
	}
	p.s.Hosts = words
	return nil
}

// host is one that there is.
func (p *parser) host(n *yaml.Node, name string) (string, error) {
	name = strings.TrimSpace(name)
	if !slices.Contains(p.s.Hosts, name) {
		return "", p.fail(n, "there is no host %q; there are %s", clip(name), strings.Join(p.s.Hosts, ", "))
	}
	return name, nil
}

// between reads "a→b" or "a↔b".
func (p *parser) between(n *yaml.Node, text string) (a, b string, both bool, err error) {
	for _, arrow := range []string{"↔", "<->", "→", "->"} {
		x, y, ok := strings.Cut(text, arrow)
		if !ok {
			continue
		}
		if a, err = p.host(n, x); err == nil {
			b, err = p.host(n, y)
		}
		if err == nil && a == b {
			err = p.fail(n, "%s has no wire to itself", a)
		}
		return a, b, arrow == "↔" || arrow == "<->", err
	}
	return "", "", false, p.fail(n, "%q: two hosts are wanted with an arrow between, a→b or a↔b", clip(text))
}

// joins reports whether the wire is between the two, whichever is A.
func (w *Wire) joins(a, b string) bool { return w.A == a && w.B == b || w.A == b && w.B == a }

func (p *parser) wires(n *yaml.Node) error {
	entries, err := p.entries(n, "phone ↔ server: delay 50ms loss 1%")
	if err != nil {
		return err
	}
	for _, e := range entries {
		a, b, both, err := p.between(e.key, e.key.Value)
		if err != nil {
			return err
		}
		shape, up, err := p.shape(e.value)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(p.s.Wires, func(w Wire) bool { return w.joins(a, b) })
		if i < 0 {
			i = len(p.s.Wires)
			p.s.Wires = append(p.s.Wires, Wire{A: a, B: b})
		}
		w := &p.s.Wires[i]
		forward := w.A == a
		if both && (w.hasAB || w.hasBA) || !both && (forward && w.hasAB || !forward && w.hasBA) {
			return p.fail(e.key, "the wire between %s and %s has a shape already", a, b)
		}
		switch {
		case both: // a is the user: what b sends goes down
			w.AB, w.BA, w.hasAB, w.hasBA = up, shape, true, true
		case forward:
			w.AB, w.hasAB = shape, true
		default:
			w.BA, w.hasBA = shape, true
		}
	}
	return nil
}

// shape is one as text or as a mapping; up is what goes the other way.
func (p *parser) shape(n *yaml.Node) (shape, up link.Shape, err error) {
	if n.Kind == yaml.ScalarNode {
		shape, up, err = link.ParseBothWays(n.Value, nil)
	} else if err = n.Decode(&shape); err == nil {
		up = shape
	}
	if err != nil {
		return shape, up, p.fail(n, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return shape, up, nil
}

func (p *parser) workload(n *yaml.Node) error {
	pairs, err := p.mapping(n)
	if err != nil {
		return err
	}
	s := p.s
	var lines []*yaml.Node // of the settings
	for _, e := range pairs {
		switch e.key.Value {
		case "name":
			name, err := p.text(e.value)
			if err != nil {
				return err
			}
			if s.Workload, err = workload.Find(name); err != nil {
				return p.fail(e.value, "%s", err)
			}
		case "server":
			if s.Server, err = p.text(e.value); err == nil {
				s.Server, err = p.host(e.value, s.Server)
			}
		case "clients":
			if s.Clients, err = p.words(e.value); err == nil {
				for i, c := range s.Clients {
					if s.Clients[i], err = p.host(e.value, c); err != nil {
						break
					}
					if slices.Contains(s.Clients[:i], c) {
						err = p.fail(e.value, "clients: %s is there twice", c)
						break
					}
				}
			}
		default:
			var v string
			if v, err = p.text(e.value); err == nil {
				s.Settings = append(s.Settings, workload.Setting{Axis: e.key.Value, Value: v})
				lines = append(lines, e.key)
			}
		}
		if err != nil {
			return err
		}
	}
	if s.Workload == nil {
		return p.fail(n, "workload: its name is wanted, one of %s", strings.Join(workloads(), ", "))
	}
	for i, setting := range s.Settings {
		if workload.OfWires(setting.Axis) || setting.Axis == "clients" {
			return p.fail(lines[i], "%s is not the workload's here: hosts and wires are above", setting.Axis)
		}
		if _, err := s.Workload.Params(s.Settings[i : i+1]); err != nil {
			return p.fail(lines[i], "%s", strings.TrimPrefix(err.Error(), "--"))
		}
	}
	return p.roles(n)
}

// roles fills in who is the server and who are its clients.
func (p *parser) roles(n *yaml.Node) error {
	s := p.s
	if s.Server == "" && len(s.Hosts) > 0 {
		s.Server = s.Hosts[0]
	}
	if s.Clients == nil {
		for _, h := range s.Hosts {
			if h != s.Server {
				s.Clients = append(s.Clients, h)
			}
		}
	}
	if slices.Contains(s.Clients, s.Server) {
		return p.fail(n, "%s is the server, and no client", s.Server)
	}
	return nil
}

// clip keeps a message one readable line.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
