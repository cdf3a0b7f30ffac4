package ladder

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"strata/trace"
)

// Which says which events a [Ladder] shows.
type Which uint8

const (
	// First tells one story, the first of each kind: a three-way handshake,
	// a TLS handshake if there is one, a WebSocket's handshake and its
	// answer, a WebSocket frame each way, a Socket.IO event. Then it says so
	// and is quiet.
	First Which = iota
	// Conversation shows every event, below a list of the seven layers and
	// what plays each; it is for one conversation at a time.
	Conversation
	// All shows every connection, each line with whose it is. Ordinary
	// segments of a connection, with no other line between them, become one line.
	All
	// None shows nothing.
	None
)

// Options of a [Ladder]. The zero value works.
type Options struct {
	Which Which
	// Host is the host whose events are shown, by its name in the events;
	// those that name none are shown as well. Empty: with First and
	// Conversation the first host that an event names, with All every host.
	Host  string
	Local string // name of the left column, this host; empty: "us"
	Peer  string // name of the right column; empty: "peer"
	Width int    // columns of the terminal; 0: 100; at least 40, with All 58
	Color bool   // ANSI colours
	ASCII bool   // nothing but ASCII, also in what peers say
	// Layers says what plays a layer here, in the list that Conversation
	// begins with. Layers that are not in it have a line of the package's.
	Layers map[trace.Layer]string
	// Closing is the line with which First becomes quiet. Empty: one of the
	// package's.
	Closing string
	// MaxFlows is how many connections are followed at a time; the one heard
	// of longest ago is forgotten first. 0: 256.
	MaxFlows int
	// Whole has nothing left out: Record waits for the writer. Otherwise what a
	// slow one does not take is counted, and it is told how much that was.
	Whole bool
}

// waitingText is how many bytes of text may wait for their writer.
const waitingText = 256 << 10

// Ladder is a recorder that draws what it is told. Record may be called from
// many goroutines at once.
type Ladder struct {
	o    Options
	out  sink
	page *page
	say  describer

	quiet      atomic.Bool // nothing more will be shown
	noSegments atomic.Bool // no segment will be

	mu     sync.Mutex // all below, and the order of what goes to out
	mode   mode
	host   string
	flows  flows
	begun  bool // zero is set
	zero   time.Time
	headed bool       // the columns have their names
	shown  trace.Flow // whose addresses were said last
}

var _ trace.Recorder = (*Ladder)(nil)

// mode is one way to choose what is shown.
type mode interface {
	record(e trace.Event)
	close() // what is still to be said
}

// New makes a Ladder that writes to w. Each event, with all its lines, is
// written at once.
func New(w io.Writer, o Options) *Ladder {
	if o.Local == "" {
		o.Local = "us"
	}
	if o.Peer == "" {
		o.Peer = "peer"
	}
	if o.Width == 0 {
		o.Width = 100
	}
	if o.MaxFlows <= 0 {
		o.MaxFlows = 256
	}
	l := &Ladder{
		o:    o,
		host: o.Host,
		page: newPage(o.Width, o.Color, o.ASCII, o.Which == All),
		say:  describer{ascii: o.ASCII},
	}
	l.flows = flows{max: o.MaxFlows, byKey: make(map[trace.Flow]*flowEntry), evicted: func() {}}
	l.out = sink{w: w, whole: o.Whole, limit: waitingText, gone: func(n int) []byte {
		return fmt.Appendf(nil, "%s %d events are not shown: the output was too slow\n", l.page.g.more, n)
	}}
	switch o.Which {
	case First:
		l.mode = &story{l: l}
	case Conversation:
		l.mode = &conversation{l: l}
	case All:
		m := &everything{l: l}
		l.flows.evicted = m.flush
		l.mode = m
	default:
		l.mode = silence{}
		l.quiet.Store(true)
	}
	return l
}

// silence is None's.
type silence struct{}

func (silence) record(trace.Event) {}
func (silence) close()             {}

// Record shows e, if it is one of those to be shown.
func (l *Ladder) Record(e trace.Event) {
	if e.What == nil || l.quiet.Load() {
		return
	}
	switch what := e.What.(type) {
	case trace.Passage, trace.Stream, trace.Sender, trace.Retransmission:
		return // details that no arrow is for
	case trace.TLSRecord:
		if what.Step == "" {
			return // what it carries is told
		}
	}
	if l.noSegments.Load() {
		if _, ok := e.What.(trace.Segment); ok {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.host == "" && l.o.Which != All {
		l.host = e.Host
	}
	if l.host != "" && e.Host != "" && e.Host != l.host {
		return
	}
	l.mode.record(e)
	l.write()
}

// Note prints a line of the caller's between the ladder's own, also when the
// ladder has become quiet. Like Record it never waits for the writer.
func (l *Ladder) Note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.put([]byte(line + "\n"))
}

// Close says what is still to be said, waits until all is written (at most two
// seconds for a writer that does not take it) and gives the first error of
// writing. Events after it are ignored.
func (l *Ladder) Close() error {
	l.mu.Lock()
	if !l.quiet.Swap(true) {
		l.mode.close()
		l.write()
	}
	l.mu.Unlock()
	return l.out.close()
}

// write hands over what was drawn.
func (l *Ladder) write() {
	if l.page.out.Len() > 0 {
		l.out.put(l.page.out.Bytes())
		l.page.out.Reset()
	}
}

// begin sets the time from which the others are counted, once.
func (l *Ladder) begin(at time.Time) {
	if !l.begun {
		l.begun, l.zero = true, at
	}
}

// place says where an event happened, if that was not said: the names of the
// columns before the first, and the addresses of another connection.
func (l *Ladder) place(f trace.Flow) {
	known := f != trace.Flow{}
	if !l.headed {
		l.headed = true
		local, peer := l.say.text(l.o.Local), l.say.text(l.o.Peer)
		if known && l.o.Which != All {
			local += " " + f.Local.String()
			peer += " " + f.Remote.String()
			l.shown = f
		}
		l.page.header(local, peer)
	}
	if known && f != l.shown && l.o.Which != All {
		l.shown = f
		l.page.caption(fmt.Sprintf("%v %s %v", f.Local, l.page.g.between, f.Remote))
	}
}

// draw draws an event.
func (l *Ladder) draw(e trace.Event, head, more []word, below ...layerNote) {
	l.begin(e.At)
	l.place(e.Flow)
	l.page.row(row{
		since: e.At.Sub(l.zero), flow: l.label(e.Flow), layer: e.What.Layer(), dir: e.Dir,
		head: head, more: more, below: below,
	})
}

// describe draws an event that is not a segment.
func (l *Ladder) describe(e trace.Event) {
	head, more := l.say.describe(e.What)
	l.draw(e, head, more)
}

// segment draws a segment.
func (l *Ladder) segment(e trace.Event, s trace.Segment, v verdict, below ...layerNote) {
	head, more := l.say.segment(s, v)
	l.draw(e, head, more, below...)
}

// label is a connection in the column for it: its remote address, of which the
// end is what tells it from others.
func (l *Ladder) label(f trace.Flow) string {
	if l.o.Which != All || !f.Remote.IsValid() {
		return ""
	}
	text := "[" + f.Remote.String() + "]"
	if n := len(text); n > flowColumns { // an address is ASCII, but for a zone
		more := l.page.g.more
		text = "[" + more + text[n-(flowColumns-1-columns(more)):]
	}
	return l.say.text(text)
}
