package tcp

import (
	"sync"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/trace"
)

// state is what this package keeps with a host.
type state struct {
	host       *stack.Host
	look       sync.Once // starts looking at the host's segments
	handshakes handshakes
	senders    senders
	admissions admissions

	mu    sync.Mutex
	conns map[gstack.TransportEndpoint]*Conn // those that are open, for Netstat
}

type stateKey struct{}

// stateOf is the host's state; the first call starts looking at its segments,
// and none returns before.
func stateOf(h *stack.Host) *state {
	s := h.Extension(stateKey{}, func() any {
		return &state{host: h, conns: map[gstack.TransportEndpoint]*Conn{}}
	}).(*state)
	s.look.Do(func() { h.Inspect(s.inspect) })
	return s
}

func (s *state) inspect(dir trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
	if dir == trace.In && !s.screen(v) {
		return false
	}
	if v.TCP != nil {
		if s.handshakes.wants(v) {
			s.handshakes.see(dir, v, s.host.Loop().Now())
		}
		if rec := s.host.Detail(); rec != nil {
			if flow, why := s.senders.see(rec, dir, v); why != "" {
				rec.Record(trace.Event{At: s.host.Loop().Now(), Host: s.host.Name(), Dir: dir, Flow: flow, What: trace.Retransmission{
					Seq: v.TCP.SequenceNumber(), Len: v.PayloadLen, Why: why,
				}})
			}
		}
	}
	return true
}

func (s *state) add(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c.ep] = c
}

func (s *state) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.ep)
}
