package ladder

import (
	"strata/trace"
)

// maxTurns is how many times in a row a request and its answer are told apart
// where no higher layer says what they are. A longer exchange is gathered.
const maxTurns = 4

// everything is All's: every connection, ordinary segments gathered.
type everything struct{ l *Ladder }

func (m *everything) record(e trace.Event) {
	m.l.begin(e.At)
	if (e.Flow == trace.Flow{}) {
		m.l.describe(e)
		return
	}
	f := m.l.flows.get(e.Flow)
	s, ok := e.What.(trace.Segment)
	if !ok {
		f.turns = 0
		m.flush(f)
		m.l.describe(e)
		return
	}
	v := f.tcp.see(e.Dir, s)
	if gathers(s, v) {
		if f.run.turns(e.Dir, s) && f.turns < maxTurns {
			f.turns++
			m.flush(f)
		}
		if !f.run.empty() && e.At.Sub(f.run.began) >= runLasts {
			m.flush(f)
		}
		f.run.add(e, s, v)
		return
	}
	m.flush(f)
	m.l.segment(e, s, v)
}

// flush tells the segments that were gathered.
func (m *everything) flush(f *flow) {
	if f.run.empty() {
		return
	}
	e := f.run.first
	if f.run.single() {
		m.l.segment(e, e.What.(trace.Segment), f.run.verdict)
	} else {
		var ws []word
		e.Dir, ws = f.run.words(m.l.page.g)
		m.l.draw(e, ws, nil)
	}
	f.run = run{}
}

func (m *everything) close() { m.l.flows.all(m.flush) }
