package workload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"strata/lab/theory"
	"strata/socketio"
	"strata/trace"
	"strata/ws"
)

var halfOpen = &Workload{
	Name:  "half-open",
	Short: "who notices that a peer is gone, and when",
	Long: `Half-open has four clients vanish at once, without a word: their wires swallow
everything from some moment of a heartbeat's round on. It measures how long after
that each notices: the server and the client of Socket.IO by the heartbeat,
WebSocket's pings, TCP's keepalive, and TCP's user timeout of data that was
being sent. "Silence" counts from the last that was heard of the peer, which is
what the protocols promise something about: that stands beside each. WebSocket's
pings look for signs of life once an interval only, and notice within two of them
and the timeout.`,
	Defaults: []Setting{{"delay", "50ms"}, {"ping-interval", "25s"}, {"ping-timeout", "20s"}, {"keepalive", "15s/15s/9"}, {"user-timeout", "30s"}},
	Axes:     []string{"ping-interval", "ping-timeout", "keepalive", "user-timeout"},
	Columns: []Column{
		{"server mean", "mean(server)"}, {"server max", "max(server)"}, {"silence", "server silence"}, {"= interval+timeout", "interval+timeout"},
		{"client max", "max(client)"}, {"client silence", "client silence"}, {"ws pings max", "max(websocket)"},
		{"keepalive", "keepalive silence"}, {"= idle+count×interval", "idle+count×interval"}, {"user timeout", "user timeout"}, {"= set", "set"},
	},
	Advice:  heartbeatAdvice,
	clients: halfOpenClients,
	run:     runHalfOpen,
}

// The clients of the workload, by what notices that they are gone.
const (
	byHeartbeat = iota
	byKeepAlive
	byUserTimeout
	byPings
	halfOpenClients
)

// lastHeard is a recorder that remembers when each host last heard an Engine.IO
// packet or a WebSocket frame.
type lastHeard struct {
	next trace.Recorder // nil is nobody
	mu   sync.Mutex
	n    Net
	at   map[string]time.Duration
}

func (l *lastHeard) Record(e trace.Event) {
	switch e.What.(type) {
	case trace.Engine, trace.Frame:
		if e.Dir == trace.In {
			l.mu.Lock()
			l.at[e.Host] = l.n.Elapsed()
			l.mu.Unlock()
		}
	}
	if l.next != nil {
		l.next.Record(e)
	}
}

func (l *lastHeard) of(h Host) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[h.Name()]
}

// withRecorder is a net with another recorder.
type withRecorder struct {
	Net
	rec trace.Recorder
}

func (w withRecorder) Recorder() trace.Recorder { return w.rec }

// noticing is what the workload waits for: each of its parts reports once.
type noticing struct {
	mu   sync.Mutex
	r    *Result
	n    Net
	cut  time.Duration // 0 before
	left int
}

// notice notes that somebody noticed, who had heard of the peer last at the time.
func (o *noticing) notice(who string, heard time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cut == 0 { // a false alarm, before anything was cut
		o.r.observe("false alarms", Count, 1)
	} else {
		o.r.observe(who, Seconds, (o.n.Elapsed() - o.cut).Seconds())
		o.r.figure(who+" silence", Seconds, (o.n.Elapsed() - heard).Seconds())
	}
	o.left--
}

func runHalfOpen(n Net, p *Params) (*Result, error) {
	if len(n.Clients()) < halfOpenClients {
		return nil, fmt.Errorf("needs %d clients, there are %d", halfOpenClients, len(n.Clients()))
	}
	o := &noticing{r: &Result{}, n: n, left: halfOpenClients + 1}
	heard := &lastHeard{next: n.Recorder(), n: n, at: map[string]time.Duration{}} // of a host each: its own
	if err := watchHeartbeat(withRecorder{n, heard}, p, o, heard); err != nil {
		return nil, err
	}
	if err := watchPings(n, p, o, heard); err != nil {
		return nil, err
	}
	write, err := watchTCP(n, p, o)
	if err != nil {
		return nil, err
	}
	// Some moment of the heartbeat's second round.
	var chance [8]byte
	if _, err := io.ReadFull(n.Rand("cut"), chance[:]); err != nil {
		return nil, err
	}
	part := float64(binary.LittleEndian.Uint64(chance[:])>>11) / (1 << 53)
	round := p.PingInterval + p.rtt()
	n.Sleep(round + time.Duration(part*float64(round)))
	for i := range halfOpenClients {
		n.Cut(i)
	}
	o.mu.Lock()
	o.cut = n.Elapsed()
	o.mu.Unlock()
	write()
	longest := max(p.PingInterval+p.PingTimeout, theory.Keepalive(p.KeepAlive), p.UserTimeout)
	until(n, 2*longest+patience, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.left == 0
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	beat := theory.Heartbeat{Interval: p.PingInterval, Timeout: p.PingTimeout}
	o.r.theory("interval+timeout", "server silence", Seconds, beat.Silence().Seconds())
	o.r.theory("idle+count×interval", "keepalive silence", Seconds, theory.Keepalive(p.KeepAlive).Seconds())
	o.r.theory("set", "user timeout", Seconds, p.UserTimeout.Seconds())
	o.r.figure("unnoticed", Count, float64(o.left))
	return o.r, nil
}

// watchHeartbeat is Socket.IO's, on both sides.
func watchHeartbeat(n Net, p *Params, o *noticing, heard *lastHeard) error {
	sio, _, err := serveSocketIO(n, p, "heartbeat")
	if err != nil {
		return err
	}
	sio.OnConnection(func(s *socketio.Socket) {
		s.OnDisconnect(func(string) { o.notice("server", heard.of(n.Server())) })
	})
	phone := n.Clients()[byHeartbeat]
	c, err := newClient(n, phone, "heartbeat", nil)
	if err != nil {
		return err
	}
	var once sync.Once // what comes after it has noticed is another connection
	c.OnDisconnect(func(string) { once.Do(func() { o.notice("client", heard.of(phone)) }) })
	return connect(n.Context(), c)
}

// watchPings is WebSocket's own pings, of a client whose server says nothing.
func watchPings(n Net, p *Params, o *noticing, heard *lastHeard) error {
	if _, err := serve(n, n.Server(), ":81", echoing(n)); err != nil {
		return err
	}
	phone := n.Clients()[byPings]
	ctx, cancel := context.WithTimeout(n.Context(), patience)
	defer cancel()
	c, _, err := ws.Dial(ctx, "ws://"+n.Server().Name()+":81/", &ws.DialOptions{
		DialContext: phone.DialContext, Rand: n.Rand("masks"), Recorder: heard, Host: phone.Name(),
		KeepAlive: ws.KeepAlive{Interval: p.PingInterval, Timeout: p.PingTimeout},
	})
	if err != nil {
		return err
	}
	n.OnClose(func() { c.CloseNow() })
	go func() {
		_, _, _ = c.Read(n.Context())
		if n.Context().Err() == nil {
			o.notice("websocket", heard.of(phone))
		}
	}()
	return nil
}

// watchTCP is the server's side of two connections that only TCP watches over.
// write gives the second something to send.
func watchTCP(n Net, p *Params, o *noticing) (write func(), err error) {
	ln, err := n.Server().Listen(":9")
	if err != nil {
		return nil, err
	}
	n.OnClose(func() { ln.Close() })
	if err := watchKeepAlive(n, p, o, ln); err != nil {
		return nil, err
	}
	_, s, err := dialAndAccept(n, n.Clients()[byUserTimeout], ln)
	if err != nil {
		return nil, err
	}
	u, ok := s.(interface{ SetUserTimeout(time.Duration) error })
	if !ok {
		return nil, errors.New("connections here have no user timeout")
	}
	if err := u.SetUserTimeout(p.UserTimeout); err != nil {
		return nil, err
	}
	return func() {
		begun := n.Elapsed()
		_, _ = s.Write([]byte("are you there?"))
		go func() {
			if _, err := s.Read(make([]byte, 1)); errors.Is(err, syscall.ETIMEDOUT) {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.r.figure("user timeout", Seconds, (n.Elapsed() - begun).Seconds())
				o.left--
			}
		}()
	}, nil
}

// dialAndAccept opens a connection that is closed with the net.
func dialAndAccept(n Net, from Host, ln net.Listener) (client, server net.Conn, err error) {
	if client, err = from.DialContext(n.Context(), "tcp", net.JoinHostPort(n.Server().Name(), portOf(ln))); err != nil {
		return nil, nil, err
	}
	n.OnClose(func() { client.Close() })
	if server, err = ln.Accept(); err != nil {
		return nil, nil, err
	}
	n.OnClose(func() { server.Close() })
	return client, server, nil
}

func portOf(ln net.Listener) string {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// watchKeepAlive has a client say something every second while it is there, and
// the server, which hears that, wait.
func watchKeepAlive(n Net, p *Params, o *noticing, ln net.Listener) error {
	c, s, err := dialAndAccept(n, n.Clients()[byKeepAlive], ln)
	if err != nil {
		return err
	}
	k, ok := s.(interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	})
	if !ok {
		return errors.New("connections here have no keepalive")
	}
	if err := k.SetKeepAliveConfig(p.KeepAlive); err != nil {
		return err
	}
	n.Go(func() {
		for said := []byte("."); ; n.Sleep(time.Second) {
			o.mu.Lock()
			gone := o.cut > 0
			o.mu.Unlock()
			if gone {
				return
			}
			if _, err := c.Write(said); err != nil {
				return
			}
		}
	})
	go func() {
		last, p := n.Elapsed(), make([]byte, 1)
		for {
			if _, err := s.Read(p); err != nil {
				if errors.Is(err, syscall.ETIMEDOUT) {
					o.notice("keepalive", last)
				}
				return
			}
			last = n.Elapsed()
		}
	}()
	return nil
}
