package link

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Rule decides about one packet that is sent. Rules see what the host sends,
// before the shape does anything to it, in the order of sending; TCP
// super-packets are cut into packets of at most one MTU before. The view is
// valid until the rule returns, and nothing may be written through it. All
// rules of a wire run one at a time, so they may keep state without a lock;
// they must be quick, and must not send on the wire. They may change it, and
// add or release rules.
type Rule func(v *View) Verdict

// Verdict is what becomes of a packet. [DelayBy] makes one more.
type Verdict time.Duration

// The verdicts.
const (
	// Pass lets the next rule decide; after the last, the shape.
	Pass Verdict = 0

	// Drop loses the packet.
	Drop Verdict = -1

	// Duplicate has a copy follow the packet.
	Duplicate Verdict = -2

	// Corrupt flips one bit of the packet, as the shape's corruption does.
	Corrupt Verdict = -3

	// Mark sets Congestion Experienced in a packet whose sender can do with it
	// (RFC 3168 §5); others pass as they are.
	Mark Verdict = -4

	// Reset drops a TCP segment and sends each side a reset in the name of the
	// other, as a middlebox does that ends a connection. What is no TCP segment
	// it drops.
	Reset Verdict = -5
)

// DelayBy holds a packet up, for d beyond what its shape does. Those behind it
// do not wait for it: it is overtaken. 0 lets the packet go on at once.
func DelayBy(d time.Duration) Verdict { return Verdict(max(d, 1)) }

// String names a verdict.
func (v Verdict) String() string {
	switch v {
	case Pass:
		return "pass"
	case Drop:
		return "drop"
	case Duplicate:
		return "duplicate"
	case Corrupt:
		return "corrupt"
	case Mark:
		return "mark"
	case Reset:
		return "reset"
	}
	return "delay " + time.Duration(v).String()
}

// Guard holds a rule in place.
type Guard struct {
	rules *rules
	rule  *guarded
}

// Release removes the rule. It may be called again.
func (g *Guard) Release() { g.rules.remove(g.rule) }

// guarded is one rule in its place.
type guarded struct {
	f    Rule
	only bool // for one direction
	from bool // which: A's
}

// rules are those of a wire, both directions'.
type rules struct {
	change sync.Mutex
	list   atomic.Pointer[[]*guarded] // nil where there is none

	forget atomic.Bool // the streams that were seen are old: nobody looked meanwhile

	mu      sync.Mutex // held while rules look at a packet
	streams streams
	view    View
	front   frontBytes
}

func (r *rules) none() bool { return r.list.Load() == nil }

func (r *rules) add(g *guarded) *Guard {
	r.change.Lock()
	defer r.change.Unlock()
	var all []*guarded
	if p := r.list.Load(); p != nil {
		all = slices.Clone(*p)
	} else {
		r.forget.Store(true)
	}
	all = append(all, g)
	r.list.Store(&all)
	return &Guard{r, g}
}

func (r *rules) remove(g *guarded) {
	r.change.Lock()
	defer r.change.Unlock()
	p := r.list.Load()
	if p == nil {
		return
	}
	all := slices.DeleteFunc(slices.Clone(*p), func(o *guarded) bool { return o == g })
	if len(all) == 0 {
		r.list.Store(nil)
		return
	}
	r.list.Store(&all)
}

// decide asks the rules about a packet. Where the verdict is Reset, resets are
// the two packets to send.
func (r *rules) decide(p *packet, number uint64, fromA bool, linkHeader int) (verdict Verdict, forward, back *packet) {
	all := r.list.Load()
	if all == nil {
		return Pass, nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forget.Swap(false) {
		r.streams = streams{}
	}
	proto, b := peek(p.pkt, p.proto, linkHeader, &r.front)
	v := &r.view
	v.Parse(proto, b)
	v.FromA, v.Number = fromA, number
	r.streams.see(v)
	for _, g := range *all {
		if g.only && g.from != fromA {
			continue
		}
		if verdict = g.f(v); verdict != Pass {
			break
		}
	}
	if verdict == Reset && v.TCP != nil {
		forward, back = resets(v, p.proto, r.front[:linkHeader])
	}
	return verdict, forward, back
}
