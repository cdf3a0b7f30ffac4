package workload

import (
	"fmt"
	"sync"
	"time"

	"strata/socketio"
	"strata/socketio/client"
)

var headOfLine = &Workload{
	Name:  "head-of-line",
	Short: "small events beside a bulk transfer, on one connection and on two",
	Long: `Head-of-line has a Socket.IO server send small events at a steady rate while it
sends a large file in pieces of 16 KiB: first on the same connection, then each on
a connection of its own over the same wire. What comes behind the file's bytes in
the stream waits for them, and for every segment of them that is lost; on its own
connection an event waits in the wire's queue only. "times as long" is the ratio of
the mean latencies.`,
	Defaults: []Setting{{"delay", "25ms"}, {"rate", "10mbit"}, {"limit", "100"}, {"loss", "1%"}, {"size", "2m"}, {"message-size", "100"}, {"message-rate", "20"}},
	Axes:     []string{"size", "message-size", "message-rate"},
	Columns: []Column{
		{"one: p50", "p50(one connection)"}, {"p99", "p99(one connection)"}, {"max", "max(one connection)"}, {"file", "file on one"},
		{"two: p50", "p50(two connections)"}, {"p99", "p99(two connections)"}, {"max", "max(two connections)"}, {"file", "file on two"}, {"times as long", "times as long"}, {"lost", "lost"},
	},
	run: runHeadOfLine,
}

// piece is how much of the file one event carries, bytes.
const piece = 16 << 10

func runHeadOfLine(n Net, p *Params) (*Result, error) {
	sio, _, err := serveSocketIO(n, p, "head of line")
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	joined := map[string]*socketio.Socket{}
	sio.OnConnection(func(s *socketio.Socket) {
		s.On("I am", func(name string, ack func()) {
			mu.Lock()
			joined[name] = s
			mu.Unlock()
			ack()
		})
	})
	r := &Result{}
	lost := 0
	for _, c := range []struct{ name, short, file, events string }{
		{"one connection", "one", "first", "first"},
		{"two connections", "two", "second", "third"},
	} {
		mine := &beside{n: n, p: p, r: r, name: c.name}
		for _, name := range []string{c.file, c.events} {
			mu.Lock()
			there := joined[name] != nil
			mu.Unlock()
			if there {
				continue
			}
			if err := mine.dial(name); err != nil {
				return nil, err
			}
		}
		mu.Lock()
		file, events := joined[c.file], joined[c.events]
		mu.Unlock()
		took := mine.run(file, events)
		r.figure("file on "+c.short, Seconds, took.Seconds())
		lost += mine.lost
	}
	one, err1 := r.Eval("mean(one connection)")
	two, err2 := r.Eval("mean(two connections)")
	if err1 == nil && err2 == nil && one > 0 && two > 0 { // some events were heard, over both
		r.figure("times as long", Ratio, one/two)
	}
	r.figure("lost", Count, float64(lost))
	return r, nil
}

// beside is one part of the experiment.
type beside struct {
	n    Net
	p    *Params
	r    *Result
	name string // of the sample
	lost int

	mu     sync.Mutex
	sent   []time.Duration
	heard  int
	pieces int
}

// dial connects a client that is called so, and hears.
func (b *beside) dial(name string) error {
	phone := b.n.Clients()[0]
	c, err := newClient(b.n, phone, name, func(o *client.Options) { o.NoReconnection = true })
	if err != nil {
		return err
	}
	c.On("piece", func([]byte) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.pieces++
	})
	c.On("tick", func(text string) {
		now := b.n.Elapsed()
		b.mu.Lock()
		defer b.mu.Unlock()
		var k int
		if _, err := fmt.Sscanf(text, b.name+" %d ", &k); err != nil || k >= len(b.sent) {
			return
		}
		b.heard++
		b.r.took(b.name, Message{From: b.n.Server().Name(), To: phone.Name(), Event: "tick", Text: b.said(k), Sent: b.sent[k], Received: now})
	})
	if err := connect(b.n.Context(), c); err != nil {
		return err
	}
	_, err = c.EmitWithAck(b.n.Context(), "I am", name)
	return err
}

func (b *beside) said(k int) string { return fmt.Sprintf("%s %d ", b.name, k) }

// run sends the file by one socket and, while that is under way, events by the
// other, which may be the same. It gives how long the file took.
func (b *beside) run(file, events *socketio.Socket) (took time.Duration) {
	total := (b.p.Size + piece - 1) / piece
	begun := b.n.Elapsed()
	for left := b.p.Size; left > 0; left -= piece {
		if file.Emit("piece", make([]byte, min(left, piece))) != nil {
			break
		}
	}
	next := b.p.times(b.n, b.name)
	for under := true; under && b.n.Elapsed()-begun < patience; {
		b.n.Sleep(next())
		b.mu.Lock()
		k := len(b.sent)
		b.sent = append(b.sent, b.n.Elapsed())
		if under = b.pieces < total; !under {
			took = b.n.Elapsed() - begun
		}
		b.mu.Unlock()
		if events.Emit("tick", string(fill(b.said(k), b.p.MessageSize))) != nil {
			break
		}
	}
	until(b.n, patience, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.heard == len(b.sent)
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = len(b.sent) - b.heard
	return took
}
