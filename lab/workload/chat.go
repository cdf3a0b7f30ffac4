package workload

import (
	"fmt"
	"sync"
	"time"

	"strata/socketio"
)

var chat = &Workload{
	Name:  "socketio-chat",
	Short: "clients that talk through a Socket.IO server to all",
	Long: `Socketio-chat has each client say something at a steady rate; the server
broadcasts it to all, the speaker included. Latency is from the speaker's Emit to
the listener's handler. It counts what was never heard by one who was there from
the beginning, what came twice or in another order than it was said in, and
reconnections.`,
	Defaults: []Setting{{"delay", "50ms"}, {"clients", "5"}, {"duration", "10s"}, {"message-size", "100"}, {"message-rate", "2"}, {"ping-interval", "25s"}, {"ping-timeout", "20s"}},
	Axes:     []string{"clients", "duration", "message-size", "message-rate", "ping-interval", "ping-timeout"},
	Columns: []Column{
		{"heard", "heard"}, {"mean", "mean(latency)"}, {"p50", "p50(latency)"}, {"p90", "p90(latency)"}, {"p99", "p99(latency)"}, {"max", "max(latency)"},
		{"lost", "lost"}, {"twice", "duplicated"}, {"order", "out of order"}, {"reconnected", "reconnections"}, {"failed", "failed"},
	},
	run: runChat,
}

// heard is what one listener has heard of the speakers.
type heard struct {
	last map[string]int          // number, by speaker
	said map[string]map[int]bool // all numbers, by speaker
}

func runChat(n Net, p *Params) (*Result, error) {
	io, _, err := serveSocketIO(n, p, "chat")
	if err != nil {
		return nil, err
	}
	io.OnConnection(func(s *socketio.Socket) {
		s.On("say", func(text string) { io.Emit("said", text) })
	})
	r := &Result{}
	var mu sync.Mutex // of all below
	count := p.messages()
	sent := map[string][]time.Duration{} // when, by speaker
	hears := map[string]*heard{}
	again, disorder, reconnections, failed, arrived := 0, 0, 0, 0, 0
	ready := 0
	each(n, func(_ int, h Host) {
		c, err := newClient(n, h, h.Name(), nil)
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed++
			return
		}
		me := &heard{map[string]int{}, map[string]map[int]bool{}}
		c.On("said", func(text string) {
			now := n.Elapsed()
			var who string
			var k int
			if _, err := fmt.Sscanf(text, "%s %d ", &who, &k); err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if k >= len(sent[who]) {
				return
			}
			if me.said[who] == nil {
				me.said[who], me.last[who] = map[int]bool{}, -1
			}
			if me.said[who][k] {
				again++
				return
			}
			if k < me.last[who] {
				disorder++
			}
			me.said[who][k], me.last[who] = true, max(k, me.last[who])
			arrived++
			r.took("latency", Message{From: who, To: h.Name(), Event: "said", Text: spoken(who, k), Sent: sent[who][k], Received: now})
		})
		c.Manager().OnReconnect(func(int) {
			mu.Lock()
			defer mu.Unlock()
			reconnections++
		})
		if err := connect(n.Context(), c); err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed++
			return
		}
		mu.Lock()
		ready++
		hears[h.Name()] = me
		mu.Unlock()
		// All begin together, when all have come that will: who is not there
		// yet can hear nothing.
		until(n, patience, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return ready+failed == len(n.Clients())
		})
		times := p.times(n, h.Name())
		for k := range count {
			n.Sleep(times())
			text := string(fill(spoken(h.Name(), k), p.MessageSize))
			mu.Lock()
			sent[h.Name()] = append(sent[h.Name()], n.Elapsed())
			mu.Unlock()
			if c.Emit("say", text) != nil {
				break
			}
		}
	})
	all := len(hears) * len(hears) * count
	until(n, patience, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return arrived >= all
	})
	mu.Lock()
	defer mu.Unlock()
	r.figure("sent", Count, float64(len(hears)*count))
	r.figure("heard", Count, float64(arrived))
	r.figure("lost", Count, float64(all-arrived))
	r.figure("duplicated", Count, float64(again))
	r.figure("out of order", Count, float64(disorder))
	r.figure("reconnections", Count, float64(reconnections))
	r.figure("failed", Count, float64(failed))
	r.theory("one way and back", "latency", Seconds, p.rtt().Seconds())
	return r, nil
}

// spoken begins what a speaker says, and nothing else.
func spoken(who string, k int) string { return fmt.Sprintf("%s %d ", who, k) }
