package inspect

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"time"

	"strata/trace"
	"strata/trace/explain"
	"strata/trace/page"
)

const (
	maxMessages = 100             // that are told at a time
	joinEvery   = 2 * time.Second // at most so often: it looks at all that is kept
)

// message is one of GET /api/messages.
type message struct {
	At      time.Time     `json:"at"` // when it was sent, as far as is known
	From    string        `json:"from"`
	To      string        `json:"to"`
	Conn    [2]string     `json:"connection"` // addresses: who opened it first
	Layer   trace.Layer   `json:"layer"`
	Kind    string        `json:"kind"`
	Text    string        `json:"text"`
	Said    string        `json:"said"`    // of it what it says, on one line
	Carrier bool          `json:"carrier"` // another message is in it, and is told too
	Took    time.Duration `json:"took"`    // the sum of the parts
	Until   string        `json:"until"`   // what its latency is measured to
	OneEnd  bool          `json:"oneEnd"`
	Parts   []part        `json:"parts"`
	Lost    []string      `json:"lost"`
	Trouble string        `json:"trouble,omitempty"` // why there are no parts
}

type part struct {
	Name string        `json:"name"`
	Took time.Duration `json:"took"`
	Why  string        `json:"why,omitempty"`
}

// explainer keeps what was explained until there is more, and time has passed.
type explainer struct {
	rec *Recorder

	mu    sync.Mutex
	next  uint64 // the recording's, of which all is
	at    time.Time
	all   []message
	story *explain.Story
}

// messages are the last, newest first.
func (x *explainer) messages() []message {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refresh()
	return x.all
}

// timeline writes the page of all that is kept.
func (x *explainer) timeline(title string) ([]byte, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refresh()
	var b bytes.Buffer
	err := page.Write(&b, x.story, page.Options{Title: title})
	return b.Bytes(), err
}

func (x *explainer) refresh() {
	if x.story != nil && time.Since(x.at) < joinEvery {
		return
	}
	opened, events, next := x.rec.recording()
	if x.story == nil || next != x.next {
		x.story, x.next = join(opened, events), next
		x.all = tellMessages(x.story)
	}
	x.at = time.Now()
}

func tellMessages(s *explain.Story) []message {
	last := slices.Clone(s.Messages)
	slices.SortStableFunc(last, func(a, b *explain.Message) int { return b.Sent.Compare(a.Sent) })
	all := []message{}
	carriers := map[*explain.Message]bool{}
	for _, m := range last[:min(len(last), maxMessages)] {
		for _, c := range m.Carriers {
			carriers[c] = true
		}
	}
	for _, m := range last[:min(len(last), maxMessages)] {
		told := tellMessage(m)
		told.Carrier = carriers[m]
		all = append(all, told)
	}
	return all
}

func tellMessage(m *explain.Message) message {
	out := message{
		At: m.Sent, From: m.Sender(), To: m.Receiver(), Layer: m.What.Layer(), Kind: m.What.Kind(), Text: m.What.String(), Said: page.Said(m.What),
		Conn:  [2]string{m.Conn.Flow.Local.String(), m.Conn.Flow.Remote.String()},
		Until: "received", Parts: []part{}, Lost: []string{},
	}
	out.From, out.To = cmp.Or(out.From, beyond), cmp.Or(out.To, beyond)
	out.OneEnd = out.From == beyond || out.To == beyond
	if out.To == beyond {
		out.Until = "it had left the wire"
	}
	e, err := m.Explain()
	if err != nil {
		out.Trouble = err.Error()
		if out.To == beyond {
			out.Trouble = "it has not left the wire, as far as is told"
		}
		return out
	}
	out.Took = e.Latency()
	for _, p := range e.Parts {
		out.Parts = append(out.Parts, part{p.Name, p.Took(), p.Why})
	}
	for _, l := range e.Losses {
		out.Lost = append(out.Lost, l.String())
	}
	return out
}
