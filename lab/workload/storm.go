package workload

import (
	"sync"
	"time"

	"strata/socketio/client"
)

var storm = &Workload{
	Name:  "reconnect-storm",
	Short: "a server back after an outage, and all its clients with it",
	Long: `Reconnect-storm lets the server of many Socket.IO clients go away, with every
connection, and come back after --outage. Each client tries again after 1 s, 2 s,
4 s, then every 5 s, each time give or take --randomization of that. It measures
how long after the server is back each client is, and how many of them come at
once: the most attempts to connect in any tenth of a second.`,
	Defaults: []Setting{{"delay", "50ms"}, {"clients", "50"}, {"outage", "30s"}, {"randomization", "0.5"}},
	Axes:     []string{"clients", "outage", "randomization"},
	Columns: []Column{
		{"back mean", "mean(back)"}, {"p50", "p50(back)"}, {"p99", "p99(back)"}, {"max", "max(back)"}, {"attempts", "attempts"}, {"at once", "at once"}, {"never", "never"},
	},
	run: runStorm,
}

// burst is within which attempts count as being at once.
const burst = 100 * time.Millisecond

func runStorm(n Net, p *Params) (*Result, error) {
	_, stop, err := serveSocketIO(n, p, "before")
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var attempts []time.Duration
	connected := map[string]time.Duration{} // last
	var sockets []*client.Socket
	failed := 0
	each(n, func(_ int, h Host) {
		c, err := newClient(n, h, h.Name(), func(o *client.Options) {
			if o.RandomizationFactor = p.Jitter; p.Jitter == 0 {
				o.RandomizationFactor = -1
			}
		})
		if err == nil {
			c.Manager().OnReconnectAttempt(func(int) {
				mu.Lock()
				defer mu.Unlock()
				attempts = append(attempts, n.Elapsed())
			})
			c.OnConnect(func() {
				mu.Lock()
				defer mu.Unlock()
				connected[h.Name()] = n.Elapsed()
			})
			err = connect(n.Context(), c)
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed++
			return
		}
		sockets = append(sockets, c)
	})
	stop()
	n.Sleep(p.Outage)
	_, _, err = serveSocketIO(n, p, "after")
	if err != nil {
		return nil, err
	}
	back := n.Elapsed()
	all := func() bool {
		for _, c := range sockets {
			if !c.Connected() {
				return false
			}
		}
		return true
	}
	until(n, patience, all)
	mu.Lock()
	defer mu.Unlock()
	r := &Result{}
	never := failed
	for _, h := range n.Clients() {
		if at := connected[h.Name()]; at > back {
			r.observe("back", Seconds, (at - back).Seconds())
		} else {
			never++
		}
	}
	r.figure("attempts", Count, float64(len(attempts)))
	r.figure("at once", Count, float64(mostWithin(attempts, burst)))
	r.figure("never", Count, float64(never))
	return r, nil
}

// mostWithin is how many of the moments, which rise, are at most within any span.
func mostWithin(moments []time.Duration, span time.Duration) int {
	most, first := 0, 0
	for i, at := range moments {
		for at-moments[first] >= span {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
