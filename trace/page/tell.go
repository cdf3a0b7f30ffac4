package page

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"strata/trace"
	"strata/trace/explain"
)

// teller turns a story into a page's data.
type teller struct {
	story *explain.Story
	limit int
	start time.Time
	last  time.Time
	out   *data

	words, hosts, wires map[string]int

	conns  map[*explain.Conn]int
	halves [][2]*explain.Half
	flows  map[trace.Flow]end // of the connection that has it now
	marked []bool             // events that are told as messages, or lie under one

	packets []*packet
	sent    map[*explain.Transmission][]*packet
}

// end is one direction of a connection.
type end struct {
	conn int
	back bool
}

// tell makes the data of a story's page.
func tell(s *explain.Story, o Options) *data {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	t := &teller{
		story: s, limit: o.Limit,
		out:   &data{Words: []string{""}},
		words: map[string]int{"": 0}, hosts: map[string]int{}, wires: map[string]int{},
		conns: map[*explain.Conn]int{}, flows: map[trace.Flow]end{}, marked: make([]bool, len(s.Events)),
		sent: map[*explain.Transmission][]*packet{},
	}
	t.span()
	for _, c := range s.Conns {
		t.conn(c)
	}
	t.collect()
	t.number()
	t.messages()
	t.marks()
	t.out.Start, t.out.Length = t.start.Format(time.RFC3339Nano), t.last.Sub(t.start).Nanoseconds()
	return t.out
}

// span finds the first and the last moment of the story.
func (t *teller) span() {
	for _, e := range t.story.Events {
		from := e.At
		if p, ok := e.What.(trace.Passage); ok {
			from = p.Sent
		}
		if t.start.IsZero() || from.Before(t.start) {
			t.start = from
		}
		if e.At.After(t.last) {
			t.last = e.At
		}
	}
}

func (t *teller) at(when time.Time) int64 {
	if when.IsZero() {
		return -1
	}
	return when.Sub(t.start).Nanoseconds()
}

func (t *teller) word(s string) int { return index(t.words, &t.out.Words, s) }

// index is the place of a name in a list, which it joins where it is new.
func index(known map[string]int, list *[]string, s string) int {
	i, ok := known[s]
	if !ok {
		i = len(*list)
		known[s] = i
		*list = append(*list, s)
	}
	return i
}

func (t *teller) host(name string) int {
	if name == "" {
		return -1
	}
	return index(t.hosts, &t.out.Hosts, name)
}

func (t *teller) conn(c *explain.Conn) {
	n := len(t.out.Conns)
	t.conns[c] = n
	halves := c.Halves()
	t.halves = append(t.halves, halves)
	told := conn{
		Hosts: [2]int{t.host(halves[0].From), t.host(halves[0].To)},
		Addrs: [2]string{c.Flow.Local.String(), c.Flow.Remote.String()},
		Began: t.at(c.Began), Established: t.at(c.Established),
	}
	for i, h := range halves {
		told.Senders[i] = t.sender(h)
		for _, s := range h.Sent {
			t.transmission(end{n, i == 1}, s)
		}
	}
	t.out.Conns = append(t.out.Conns, told)
}

// sender keeps a row for each change: what is told comes with every segment.
func (t *teller) sender(h *explain.Half) (s sender) {
	var before int64
	var last trace.Sender
	for i, state := range h.States {
		same := last
		same.Una, same.Nxt, same.Window, same.RTTVar = state.Una, state.Nxt, state.Window, state.RTTVar
		if i > 0 && same == state.Sender || len(s.At) >= t.limit {
			continue
		}
		last = state.Sender
		at := t.at(state.At)
		s.At = append(s.At, at-before)
		before = at
		s.Cwnd = append(s.Cwnd, state.Cwnd)
		ssthresh := state.Ssthresh
		if ssthresh >= 1<<30 {
			ssthresh = -1
		}
		s.Ssthresh = append(s.Ssthresh, ssthresh)
		s.Outstanding = append(s.Outstanding, state.Outstanding)
		s.SRTT = append(s.SRTT, state.SRTT.Nanoseconds())
		s.RTO = append(s.RTO, state.RTO.Nanoseconds())
		s.Recovery = append(s.Recovery, bit(state.Recovery))
	}
	return s
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// messages tells of the messages, and where their time went.
func (t *teller) messages() {
	for _, m := range t.story.Messages {
		for _, i := range m.Events {
			t.marked[i] = true
		}
	}
	all := slices.Clone(t.story.Messages)
	slices.SortStableFunc(all, func(a, b *explain.Message) int { return a.Sent.Compare(b.Sent) })
	if len(all) > t.limit {
		t.out.LeftOut.Messages = len(all) - t.limit
		all = all[:t.limit]
	}
	number := map[*explain.Message]int{}
	for i, m := range all {
		number[m] = i
	}
	for _, m := range all {
		told := t.message(m)
		for _, c := range m.Carriers {
			if i, ok := number[c]; ok {
				told.Over = append(told.Over, i)
			}
		}
		t.out.Messages = append(t.out.Messages, told)
	}
}

func (t *teller) message(m *explain.Message) message {
	told := message{
		Conn: t.conns[m.Conn], Back: !m.FromOpener(),
		Layer: int(m.What.Layer()), Kind: t.word(m.What.Kind()), Name: t.word(visible(name(m.What))), Said: t.word(Said(m.What)), Text: t.word(m.What.String()),
		Sent: t.at(m.Sent), Received: t.at(m.Received), From: m.From, To: m.To,
	}
	told.Records = len(m.Records())
	if m.To > m.From {
		h := t.halves[told.Conn][bit(told.Back)]
		for _, s := range h.Carrying(m.From, m.To) {
			for _, p := range t.sent[s] {
				if p.number >= 0 && p.from < int64(m.To) && int64(m.From) < p.from+int64(p.len) {
					told.Packets = append(told.Packets, p.number)
				}
			}
		}
		slices.Sort(told.Packets)
	}
	e, err := m.Explain()
	if err != nil {
		told.Trouble = t.word(trouble(err))
		return told
	}
	for _, p := range e.Parts {
		told.Parts = append(told.Parts, part{int64(t.word(p.Name)), p.Took().Nanoseconds(), int64(t.word(p.Why))})
	}
	for _, l := range e.Losses {
		told.Losses = append(told.Losses, loss{t.at(l.At), t.at(l.Again), t.word(l.String()), l.OfBefore})
	}
	return told
}

// trouble is why there is no explanation, for people.
func trouble(err error) string {
	if errors.Is(err, explain.ErrNotReceived) {
		return "It was not received, as far as the recording says."
	}
	return fmt.Sprintf("Not explained: %v.", err)
}

// name is what is written on a message's bar.
func name(w trace.What) string {
	switch w := w.(type) {
	case trace.Frame:
		switch {
		case w.Preview != "" && !w.RSV1 && int64(len(w.Preview)) < w.Len:
			return w.Preview + "…"
		case w.Preview != "":
			return w.Preview
		case w.Code != 0:
			return fmt.Sprintf("%s %d", w.Opcode, w.Code)
		}
		return w.Opcode
	case trace.HTTP:
		if w.Status != 0 {
			return fmt.Sprintf("HTTP %d", w.Status)
		}
		return w.Method + " " + w.Path
	case trace.Message:
		if w.Event != "" {
			return w.Event
		}
		return w.Type
	case trace.Engine:
		return w.Type
	}
	return w.String()
}

// Said is what a message says, on one line and without what is around it: of an
// event its name and its arguments, of a frame its text. It ends with "…" where
// there is more.
func Said(w trace.What) string {
	m, ok := w.(trace.Message)
	if !ok || m.Event == "" || m.Preview == "" {
		return visible(name(w))
	}
	args := m.Preview
	if event, err := json.Marshal(m.Event); err == nil {
		if rest, ok := strings.CutPrefix(args, "["+string(event)); ok {
			args = strings.TrimSuffix(strings.TrimPrefix(rest, ","), "]")
		}
	}
	return visible(strings.TrimSpace(m.Event + " " + args))
}

// visible has pictures in place of control characters.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return '␀' + r
		case r == 0x7f:
			return '␡'
		}
		return r
	}, s)
}

// marks tells of what is neither a message nor a packet.
func (t *teller) marks() {
	sends := map[string]bool{} // Engine.IO sessions of which both ends are told
	for _, e := range t.story.Events {
		if p, ok := e.What.(trace.Engine); ok && e.Dir == trace.Out && p.Type == "message" {
			sends[p.SID] = true
		}
	}
	for i, e := range t.story.Events {
		switch w := e.What.(type) {
		case trace.Engine:
			if e.Dir == trace.In && w.Type == "message" && sends[w.SID] {
				continue // the other end has told of it
			}
		case trace.TLSRecord:
			if w.Step == "" {
				continue // what it carries is told
			}
		case trace.TLS, trace.Connection, trace.Message, trace.HTTP, trace.Frame:
		default:
			continue
		}
		if t.marked[i] {
			continue
		}
		if len(t.out.Marks) == t.limit {
			t.out.LeftOut.Marks++
			continue
		}
		m := mark{
			At: t.at(e.At), Layer: int(e.What.Layer()), Conn: -1, Host: t.host(e.Host),
			Dir: int(e.Dir), Text: t.word(e.What.String()),
		}
		if of, ok := t.flows[e.Flow]; ok {
			m.Conn = of.conn
		}
		t.out.Marks = append(t.out.Marks, m)
	}
	slices.SortStableFunc(t.out.Marks, func(a, b mark) int { return cmp.Compare(a.At, b.At) })
}
