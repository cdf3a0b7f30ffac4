package tcp

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/trace"
)

// state is what this package keeps with a host.
type state struct {
	host       *stack.Host
	handshakes handshakes
	admissions atomic.Pointer[[]*admission] // nil: none

	mu    sync.Mutex
	conns map[gstack.TransportEndpoint]*Conn // those that are open, for Netstat
}

type stateKey struct{}

// stateOf is the host's state; the first call starts looking at its segments.
func stateOf(h *stack.Host) *state {
	made := false
	s := h.Extension(stateKey{}, func() any {
		made = true
		return &state{host: h, conns: map[gstack.TransportEndpoint]*Conn{}}
	}).(*state)
	if made {
		h.Inspect(s.inspect)
	}
	return s
}

func (s *state) inspect(dir trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
	if dir == trace.In && !s.screen(v) {
		return false
	}
	if v.TCP != nil {
		s.handshakes.see(dir, v, s.host.Loop().Now())
	}
	return true
}

func (s *state) add(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c.endpoint()] = c
}

func (s *state) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.endpoint())
}

func (s *state) admit(at netip.AddrPort, f func(SYN) Verdict) (forget func()) {
	a := &admission{at: netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), admit: f}
	s.change(func(all []*admission) []*admission { return append(all, a) })
	return func() {
		s.change(func(all []*admission) []*admission {
			return slices.DeleteFunc(all, func(o *admission) bool { return o == a })
		})
	}
}

func (s *state) change(f func([]*admission) []*admission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*admission
	if p := s.admissions.Load(); p != nil {
		all = slices.Clone(*p)
	}
	if all = f(all); len(all) == 0 {
		s.admissions.Store(nil)
		return
	}
	s.admissions.Store(&all)
}
