package ladder

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"strata/trace"
)

// The columns of a page, from the left: when, [flow], layer, lane, what, lane.
const (
	timeColumns  = 10
	flowColumns  = 19
	layerColumns = 15 // "L6 presentation"
	tagColumns   = 2  // "L6", where there is no room for the name

	minWidth    = 40
	roomForName = 60 // what is left between the lanes, at least, for the layer's name to be given
	maxLines    = 8  // of one event
)

// word is text of one style. It is not broken unless it is longer than a line,
// and then where it has spaces, if it has.
type word struct {
	text  string
	style style
}

// row is one event, ready to be drawn.
type row struct {
	since time.Duration
	flow  string // its label; empty: none
	layer trace.Layer
	dir   trace.Direction // zero: a note, no arrow
	head  []word
	more  []word // goes with head where it fits on the line, and below where not
	below []layerNote
}

// layerNote is a line below an event, about a lower layer.
type layerNote struct {
	layer trace.Layer
	text  string
}

// page draws into out.
type page struct {
	out    bytes.Buffer
	color  bool
	g      *glyphs
	width  int
	flows  bool // there is a column for the flow
	names  bool // layers have their names
	indent int  // columns before the left lane
	inner  int  // columns between the lanes
}

func newPage(width int, color, ascii, flows bool) *page {
	p := &page{color: color, g: glyphsFor(ascii), flows: flows}
	fixed := timeColumns + 2 + 2
	if flows {
		fixed += flowColumns + 1
	}
	width = max(width, minWidth)
	if flows {
		width = max(width, fixed+tagColumns+2+minWidth/2)
	}
	tag := tagColumns
	if width-fixed-layerColumns-2 >= roomForName {
		tag, p.names = layerColumns, true
	}
	p.width = width
	p.indent = fixed + tag
	p.inner = width - p.indent - 2
	return p
}

func (p *page) put(s style, text string) {
	if !p.color || s == plain || text == "" {
		p.out.WriteString(text)
		return
	}
	p.out.WriteString("\x1b[")
	p.out.WriteString(string(s))
	p.out.WriteString("m")
	p.out.WriteString(text)
	p.out.WriteString("\x1b[0m")
}

func (p *page) spaces(n int) { p.out.WriteString(strings.Repeat(" ", max(0, n))) }

// line ends a line with text.
func (p *page) line(s style, text string) {
	p.put(s, text)
	p.out.WriteString("\n")
}

// text is running text, outside the ladder; all lines but the first are
// indented here.
func (p *page) text(s style, text string, indent int) {
	for i, l := range wrap(words("%s", text), p.width-indent) {
		if i > 0 {
			p.spaces(indent)
		}
		for i, w := range l {
			if i > 0 {
				p.out.WriteString(" ")
			}
			p.put(s, w.text)
		}
		p.out.WriteString("\n")
	}
}

// header draws the columns' names over the lanes, and the tops of the lanes.
func (p *page) header(local, peer string) {
	width := p.inner + 2
	if columns(local)+columns(peer)+2 > width { // one below the other
		p.spaces(p.indent)
		p.line(bold, strings.TrimRight(fit(local, width, p.g), " "))
		local = ""
	}
	peer = strings.TrimRight(fit(peer, width, p.g), " ")
	p.spaces(p.indent)
	p.put(bold, local)
	p.spaces(width - columns(local) - columns(peer))
	p.line(bold, peer)
	p.spaces(p.indent)
	p.put(dim, p.g.lane)
	p.spaces(p.inner)
	p.line(dim, p.g.lane)
}

// caption draws a line across the lanes that says what follows.
func (p *page) caption(text string) {
	text = " " + strings.TrimRight(fit(text, p.inner-6, p.g), " ") + " "
	rest := p.inner - columns(text)
	p.spaces(p.indent)
	p.line(dim, p.g.lane+strings.Repeat(p.g.caption, rest/2)+text+strings.Repeat(p.g.caption, rest-rest/2)+p.g.lane)
}

// row draws an event.
func (p *page) row(r row) {
	const lead, tail = 3, 3 // "◄─ " and " ──", or "── " and " ─►"
	room := p.inner - lead - tail
	lines := wrap(r.head, room)
	if len(r.more) > 0 {
		if joined := wrap(append(r.head[:len(r.head):len(r.head)], r.more...), room); len(joined) == 1 {
			lines = joined
		} else {
			lines = append(lines, wrap(r.more, room)...)
		}
	}
	if len(lines) > maxLines {
		lines = lines[:maxLines]
		last := &lines[maxLines-1]
		if lineColumns(*last)+1+columns(p.g.more) > room {
			*last = (*last)[:len(*last)-1]
		}
		*last = append(*last, word{p.g.more, dim})
	}

	p.put(dim, fmt.Sprintf("%*s", timeColumns, since(r.since, p.g)))
	p.out.WriteString("  ")
	if p.flows {
		p.put(dim, fit(r.flow, flowColumns, p.g))
		p.out.WriteString(" ")
	}
	p.tag(r.layer)

	ink := layerStyle(r.layer)
	text := lineColumns(lines[0])
	rest := p.inner - lead - text - 1
	switch r.dir {
	case trace.Out:
		p.put(dim, p.g.lane)
		p.put(ink, p.g.line+p.g.line)
		p.words(lines[0])
		p.put(ink, strings.Repeat(p.g.line, rest-1)+p.g.toPeer)
		p.put(dim, p.g.lane)
	case trace.In:
		p.put(dim, p.g.lane)
		p.put(ink, p.g.toUs+p.g.line)
		p.words(lines[0])
		p.put(ink, strings.Repeat(p.g.line, rest))
		p.put(dim, p.g.lane)
	default:
		p.put(dim, p.g.note)
		p.put(ink, p.g.line+p.g.line)
		p.words(lines[0])
		p.spaces(rest)
		p.put(dim, p.g.lane)
	}
	p.out.WriteString("\n")
	for _, l := range lines[1:] {
		p.spaces(p.indent)
		p.put(dim, p.g.lane)
		p.spaces(lead - 1)
		p.words(l)
		p.spaces(p.inner - lead - lineColumns(l) - 1)
		p.line(dim, p.g.lane)
	}
	for _, n := range r.below {
		p.spaces(p.indent - p.tagWidth() - 2)
		p.tag(n.layer)
		p.put(dim, p.g.lane)
		p.spaces(lead)
		p.put(dim, fit(n.text, p.inner-lead, p.g))
		p.line(dim, p.g.lane)
	}
}

func (p *page) tagWidth() int {
	if p.names {
		return layerColumns
	}
	return tagColumns
}

func (p *page) tag(l trace.Layer) {
	tag := fmt.Sprintf("L%d", l)
	if p.names {
		tag += " " + l.String()
	}
	p.put(layerStyle(l), fit(tag, p.tagWidth(), p.g))
	p.out.WriteString("  ")
}

// words draws words with a space before, between and after them.
func (p *page) words(line []word) {
	p.out.WriteString(" ")
	for _, w := range line {
		p.put(w.style, w.text)
		p.out.WriteString(" ")
	}
}

func lineColumns(line []word) int {
	n := max(0, len(line)-1)
	for _, w := range line {
		n += columns(w.text)
	}
	return n
}

// wrap breaks words into lines of at most room columns. There is at least one
// line.
func wrap(words []word, room int) [][]word {
	lines := [][]word{nil}
	left := room
	for _, w := range words {
		for w.text != "" {
			last := &lines[len(lines)-1]
			space := min(1, len(*last))
			n := columns(w.text)
			if n+space <= left {
				*last = append(*last, w)
				left -= n + space
				break
			}
			head, tail := cut(w.text, left-space)
			gap := strings.LastIndexByte(head, ' ')
			// Where it, or more of it, fits the next line, it begins there.
			if space > 0 && (n <= room || left < room/2 || gap < 0 && strings.Contains(w.text, " ")) {
				lines, left = append(lines, nil), room
				continue
			}
			if gap > 0 {
				head, tail = w.text[:gap], w.text[gap+1:]
			}
			*last = append(*last, word{head, w.style})
			w.text = tail
			lines, left = append(lines, nil), room
		}
	}
	if len(lines) > 1 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// since writes a time as people do: 34 µs, 1.204 ms, 2.500 s, 1m02.500s.
func since(d time.Duration, g *glyphs) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%s%d %s", sign, d.Microseconds(), g.micro)
	case d < time.Second:
		return fmt.Sprintf("%s%d.%03d ms", sign, d/time.Millisecond, d%time.Millisecond/time.Microsecond)
	case d < time.Minute:
		return fmt.Sprintf("%s%d.%03d s", sign, d/time.Second, d%time.Second/time.Millisecond)
	case d < time.Hour:
		return fmt.Sprintf("%s%dm%02d.%03ds", sign, d/time.Minute, d%time.Minute/time.Second, d%time.Second/time.Millisecond)
	}
	return fmt.Sprintf("%s%dh%02dm%02ds", sign, d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
}
