package ladder

import "strata/trace"

// style is how a word looks where there is colour: what follows ESC [ and
// comes before m (ECMA-48 §8.3.117).
type style string

const (
	plain style = ""
	bold  style = "1"
	dim   style = "2"
	alarm style = "1;31"
)

// layerStyle is a layer's own colour.
func layerStyle(l trace.Layer) style {
	switch l {
	case trace.Application:
		return "32" // green
	case trace.Presentation:
		return "33" // yellow
	case trace.Session:
		return "35" // magenta
	case trace.Transport:
		return "36" // cyan
	case trace.Network:
		return "94" // bright blue
	}
	return "90" // grey
}

// glyphs are what the ladder is drawn with.
type glyphs struct {
	lane, line, toPeer, toUs, note, caption string // one column each
	between                                 string // two addresses
	more                                    string // text was left out
	micro                                   string
	open, close                             string // around what a peer said
}

var (
	unicodeGlyphs = glyphs{"│", "─", "►", "◄", "├", "┄", "–", "…", "µs", "“", "”"}
	asciiGlyphs   = glyphs{"|", "-", ">", "<", "+", ".", "-", "...", "us", "'", "'"}
)

func glyphsFor(ascii bool) *glyphs {
	if ascii {
		return &asciiGlyphs
	}
	return &unicodeGlyphs
}
