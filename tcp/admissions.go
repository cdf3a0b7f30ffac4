package tcp

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
)

// admission is how one listener decides on its SYNs.
type admission struct {
	at     netip.AddrPort // the zero Addr is every address of the families
	v4, v6 bool
	admit  func(SYN) Verdict // nil: accepts all
}

// newAdmission is that of an endpoint of the protocol, bound to at.
func newAdmission(at netip.AddrPort, proto tcpip.NetworkProtocolNumber, only6 bool, f func(SYN) Verdict) *admission {
	// A packet does not tell the link that a zone names.
	addr := at.Addr().Unmap().WithZone("")
	return &admission{
		at:    netip.AddrPortFrom(addr, at.Port()),
		v4:    proto == ipv4.ProtocolNumber || !only6,
		v6:    proto != ipv4.ProtocolNumber,
		admit: f,
	}
}

// admissions are those of all listeners of a host: also of those that accept
// all, since what is theirs is nobody else's to decide.
type admissions struct {
	asked atomic.Pointer[[]*admission] // all of them; nil where none has a say

	mu  sync.Mutex
	all []*admission
}

// add returns what takes a away again.
func (s *admissions) add(a *admission) (forget func()) {
	s.change(func() { s.all = append(s.all, a) })
	return func() {
		s.change(func() {
			s.all = slices.DeleteFunc(s.all, func(o *admission) bool { return o == a })
		})
	}
}

func (s *admissions) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	if !slices.ContainsFunc(s.all, func(a *admission) bool { return a.admit != nil }) {
		s.asked.Store(nil)
		return
	}
	all := slices.Clone(s.all)
	s.asked.Store(&all)
}

// find finds whose SYN to dst it is, as the stack does: that of the listener on
// the very address, before that of one on every address. nil is nobody's.
func find(all []*admission, dst netip.AddrPort) (found *admission) {
	for _, a := range all {
		switch {
		case a.at.Port() != dst.Port():
		case a.at.Addr() == dst.Addr():
			return a
		case !a.at.Addr().IsValid() && (dst.Addr().Is4() && a.v4 || dst.Addr().Is6() && a.v6):
			found = a
		}
	}
	return found
}
