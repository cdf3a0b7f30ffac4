package ladder

import (
	"strata/trace"
)

// maxTurns is how many times in a row a request and its answer are told apart
// where no higher layer says what they are. A longer exchange is gathered.
const maxTurns = 4

// everything is All's: every connection, ordinary segments gathered.
type everything struct {
	l        *Ladder
	gathered []*flow // that have a run, the one that began first in front
}

func (m *everything) record(e trace.Event) {
	m.l.begin(e.At)
	if (e.Flow == trace.Flow{}) {
		m.flush()
		m.l.describe(e)
		return
	}
	f := m.l.flows.get(e.Flow)
	s, ok := e.What.(trace.Segment)
	if !ok {
		f.turns = 0
		m.flush()
		m.l.describe(e)
		return
	}
	v := f.tcp.see(e.Dir, s)
	if gathers(s, v) {
		if f.run.turns(e.Dir, s) && f.turns < maxTurns {
			f.turns++
			m.flush()
		}
		if len(m.gathered) > 0 && e.At.Sub(m.gathered[0].run.began) >= runLasts {
			m.flush()
		}
		if f.run.empty() {
			m.gathered = append(m.gathered, f)
		}
		f.run.add(e, s, v)
		return
	}
	m.flush()
	m.l.segment(e, s, v)
}

// flush tells the segments that were gathered, those of all connections, so that
// what is drawn is in order.
func (m *everything) flush() {
	for i, f := range m.gathered {
		m.tell(&f.run)
		f.run = run{}
		m.gathered[i] = nil
	}
	m.gathered = m.gathered[:0]
}

func (m *everything) tell(r *run) {
	e := r.first
	if r.single() {
		m.l.segment(e, e.What.(trace.Segment), r.verdict)
		return
	}
	var ws []word
	e.Dir, ws = r.words(m.l.page.g)
	m.l.draw(e, ws, nil)
}

func (m *everything) close() { m.flush() }
