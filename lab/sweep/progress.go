package sweep

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress says how far a sweep has come: a bar that moves on a terminal, else a
// line now and then. It may be called by one goroutine at a time.
type Progress struct {
	Out      io.Writer
	Terminal bool
	Total    int
	Now      func() time.Time // nil: time.Now

	done, ran int
	began     time.Time
	told      time.Time
}

// The bar's width, and how often it, and the line, are written at most.
const (
	barWidth  = 30
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
)

func (p *Progress) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// Begin starts the clock; had cells are there already.
func (p *Progress) Begin(had int) {
	p.done, p.began = had, p.now()
	p.told = p.began
	if p.Terminal {
		p.tell()
	}
}

// Step counts one more.
func (p *Progress) Step() {
	p.done++
	p.ran++
	every := lineEvery
	if p.Terminal {
		every = barEvery
	}
	if now := p.now(); now.Sub(p.told) >= every || p.Terminal && p.done == p.Total {
		p.told = now
		p.tell()
	}
}

// End takes the bar away.
func (p *Progress) End() {
	if p.Terminal {
		fmt.Fprint(p.Out, "\r\x1b[K")
	}
}

func (p *Progress) tell() {
	line := p.line()
	if p.Terminal {
		fmt.Fprintf(p.Out, "\r%s\x1b[K", line)
		return
	}
	fmt.Fprintln(p.Out, line)
}

// line is like "123 of 300 cells, 41 %, 12s, about 17s left".
func (p *Progress) line() string {
	took := p.now().Sub(p.began)
	text := fmt.Sprintf("%d of %d cells, %d %%, %v", p.done, p.Total, 100*p.done/max(1, p.Total), took.Round(time.Second))
	if p.ran > 0 && p.done < p.Total {
		left := took / time.Duration(p.ran) * time.Duration(p.Total-p.done)
		text += fmt.Sprintf(", about %v left", left.Round(time.Second))
	}
	if !p.Terminal {
		return text
	}
	full := barWidth * p.done / max(1, p.Total)
	return "[" + strings.Repeat("█", full) + strings.Repeat("·", barWidth-full) + "] " + text
}
