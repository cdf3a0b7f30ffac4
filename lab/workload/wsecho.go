package workload

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"strata/ws"
)

var wsEcho = &Workload{
	Name:  "ws-echo",
	Short: "round trips of WebSocket messages",
	Long: `Ws-echo has each client send messages at a steady rate, whether the ones before
have come back or not, and measures how long each takes to the server and back.`,
	Defaults: []Setting{{"delay", "50ms"}, {"clients", "1"}, {"duration", "30s"}, {"message-size", "100"}, {"message-rate", "10"}, {"compression", "off"}},
	Axes:     []string{"clients", "duration", "message-size", "message-rate", "compression"},
	Columns: []Column{
		{"messages", "messages"}, {"mean", "mean(latency)"}, {"p50", "p50(latency)"}, {"p90", "p90(latency)"}, {"p99", "p99(latency)"}, {"max", "max(latency)"}, {"missing", "missing"},
	},
	run: runWSEcho,
}

func runWSEcho(n Net, p *Params) (*Result, error) {
	var compression *ws.Compression
	if p.Compression {
		compression = &ws.Compression{Threshold: -1}
	}
	if _, err := serve(n, n.Server(), ":80", echoWith(n, compression, nil)); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	r := &Result{}
	sent, missing, failed := 0, 0, 0
	each(n, func(_ int, h Host) {
		begun, took, err := echoClient(n, p, h, compression)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed++
		}
		sent += len(begun)
		for k, at := range begun {
			if took[k] == 0 {
				missing++
				continue
			}
			r.took("latency", Message{From: h.Name(), To: h.Name(), Text: numbered(k), Sent: at, Received: at + took[k]})
		}
	})
	r.figure("messages", Count, float64(sent))
	r.figure("missing", Count, float64(missing))
	r.figure("failed", Count, float64(failed))
	r.theory("one round trip", "latency", Seconds, p.rtt().Seconds())
	return r, nil
}

// echoClient sends messages, and gives when each was sent and how long it took: 0
// for one that did not come back.
func echoClient(n Net, p *Params, h Host, compression *ws.Compression) (begun, took []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(n.Context(), p.Duration+patience)
	defer cancel()
	o := &ws.DialOptions{DialContext: h.DialContext, Rand: n.Rand("masks " + h.Name()), Compression: compression}
	if rec := n.Recorder(); rec != nil {
		o.Recorder, o.Host = rec, h.Name()
	}
	c, _, err := ws.Dial(ctx, "ws://"+n.Server().Name()+"/echo", o)
	if err != nil {
		return nil, nil, err
	}
	defer c.CloseNow()
	count := p.messages()
	begun, took = make([]time.Duration, 0, count), make([]time.Duration, count)
	var mu sync.Mutex
	done := make(chan struct{})
	n.Go(func() {
		defer close(done)
		for range count {
			_, text, err := c.Read(ctx)
			if err != nil {
				return
			}
			var k int
			if _, err := fmt.Sscanf(string(text), "message %d ", &k); err != nil {
				return
			}
			mu.Lock()
			took[k] = n.Elapsed() - begun[k]
			mu.Unlock()
		}
	})
	next := p.times(n, h.Name())
	for k := range count {
		n.Sleep(next())
		mu.Lock()
		begun = append(begun, n.Elapsed())
		mu.Unlock()
		if err := c.Write(ctx, ws.MessageText, fill(numbered(k), p.MessageSize)); err != nil {
			break
		}
	}
	<-done
	return begun, took, nil
}

// messages is how many messages each client sends; gap the time between two.
func (p *Params) messages() int { return max(1, int(p.Duration.Seconds()*p.MessageRate)) }

func (p *Params) gap() time.Duration { return time.Duration(float64(time.Second) / p.MessageRate) }

// times gives how long to wait for the next message: it comes at some moment of
// its gap, each as likely, so that what several do does not fall into step.
func (p *Params) times(n Net, who string) func() time.Duration {
	var seed [32]byte
	_, _ = io.ReadFull(n.Rand("times of "+who), seed[:])
	chance := rand.New(rand.NewChaCha8(seed))
	start, k := n.Elapsed(), 0
	return func() time.Duration {
		at := start + time.Duration((float64(k)+chance.Float64())*float64(p.gap()))
		k++
		return at - n.Elapsed()
	}
}

// numbered begins a message, and no other.
func numbered(k int) string { return fmt.Sprintf("message %d ", k) }

// fill makes a message of so many bytes that begins with text: words that
// compress as words do.
func fill(text string, size int) []byte {
	const words = "the quick brown fox jumps over the lazy dog and tells nobody why it was late "
	p := append([]byte(text), bytes.Repeat([]byte(words), max(0, size-len(text))/len(words)+1)...)
	return p[:max(size, len(text))]
}

// each runs f for every client, all at once, and waits for all.
func each(n Net, f func(i int, h Host)) {
	var wg sync.WaitGroup
	for i, h := range n.Clients() {
		wg.Add(1)
		n.Go(func() {
			defer wg.Done()
			f(i, h)
		})
	}
	wg.Wait()
}
