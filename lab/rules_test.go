package lab_test

import (
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/tcp"
)

// What each test drops decides what happens, to the nanosecond: the wire takes
// 50 ms each way, and everything else is a timer of TCP.

// Both sides time their part of the handshake: 1 s at first (RFC 6298 §2), then
// twice as long each time (§5.5). So with n segments lost it takes 2ⁿ-1 seconds
// longer, whichever of SYN and SYN-ACK they are.
func TestHandshakeTakesWhatTheRTOsDoublingSays(t *testing.T) {
	for name, m := range map[string]link.Match{"SYN": link.SYN, "SYN-ACK": link.SYNACK} {
		for n := range 6 {
			t.Run(fmt.Sprint(n, " times ", name), func(t *testing.T) {
				lab.Run(t, func(w *lab.World) {
					p := newPair(t, w, 0)
					lost := 0
					p.wire.Rule(func(v *link.View) link.Verdict {
						if m(v) && lost < n {
							lost++
							return link.Drop
						}
						return link.Pass
					})
					_, _, dialled, accepted := p.dial(t)
					waited := time.Duration(1<<n-1) * time.Second
					require.Equal(t, waited+100*time.Millisecond, dialled)
					require.Equal(t, waited+150*time.Millisecond, accepted)
				})
			})
		}
	}
}

func TestFirstStepOfTheHandshakeDropped(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		p.wire.Rule(link.DropFirst(link.SYN))
		p.dial(t)
		p.is(t, `
			0s > SYN
			1s > SYN again
			1.05s < SYN-ACK
			1.1s > ACK`)
	})
}

// The server's timer for its SYN-ACK and the client's second SYN meet: the SYN
// comes a moment later, and is answered by an ACK only, since what it asks for
// is under way again.
func TestSecondStepOfTheHandshakeDropped(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		p.wire.Rule(link.DropFirst(link.SYNACK))
		p.dial(t)
		p.is(t, `
			0s > SYN
			50ms < SYN-ACK
			1s > SYN again
			1.05s < SYN-ACK again
			1.05s < ACK
			1.1s > ACK`)
	})
}

// The client believes that it is connected, the server does not, until its
// SYN-ACK of a second later is acknowledged again.
func TestThirdStepOfTheHandshakeDropped(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		p.wire.Rule(link.DropFirst(link.HandshakeACK))
		_, _, dialled, accepted := p.dial(t)
		require.Equal(t, 100*time.Millisecond, dialled)
		require.Equal(t, 1150*time.Millisecond, accepted)
		p.is(t, `
			0s > SYN
			50ms < SYN-ACK
			100ms > ACK
			1.05s < SYN-ACK again
			1.1s > ACK`)
	})
}

// With data behind it nobody notices: every segment acknowledges, so the first
// one with data does what the lost ACK would have done (RFC 9293 §3.5).
func TestThirdStepOfTheHandshakeDroppedWithDataBehindIt(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		p.wire.Rule(link.DropFirst(link.HandshakeACK))
		accepted := make(chan time.Duration, 1)
		w.Go(func() {
			c, err := p.listener.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			accepted <- w.Elapsed()
			io.ReadFull(c, make([]byte, 5))
		})
		c, err := p.phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		c.Write([]byte("hello"))
		require.Equal(t, 150*time.Millisecond, <-accepted)
		w.Sleep(time.Second)
		p.is(t, `
			0s > SYN
			50ms < SYN-ACK
			100ms > ACK
			100ms > data 0+5
			150ms < ACK`)
	})
}

// The last ACK and the segment behind it are both lost. That segment is the
// last that was sent, and so it is probed for after two round trips and what a
// delayed ACK may take, 200 ms (RFC 8985 §7.2).
func TestThirdStepOfTheHandshakeDroppedAndTheDataBehindIt(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		p.wire.Rule(link.DropFirst(link.HandshakeACK))
		p.wire.Rule(link.DropFirst(link.Data))
		w.Go(func() {
			if c, err := p.listener.Accept(); err == nil {
				io.ReadFull(c, make([]byte, 5))
			}
		})
		c, err := p.phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		c.Write([]byte("hello"))
		w.Sleep(2 * time.Second)
		p.is(t, `
			0s > SYN
			50ms < SYN-ACK
			100ms > ACK
			100ms > data 0+5
			500ms > data 0+5 again
			550ms < ACK`)
	})
}

// The peer is gone without a word. Keepalive finds it after the idle time and
// as many probes as were asked for, none of which is answered: 10 + 3·5 s.
func TestKeepaliveFindsThatThePeerIsGone(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		c, _ := p.open(t)
		require.NoError(t, c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}))
		w.Partition(p.server)
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ETIMEDOUT)
		p.is(t, `
			10s > ACK
			15s > ACK
			20s > ACK`)
		require.Equal(t, 25*time.Second, w.Elapsed()-p.since)
	})
}

// A half-open connection (RFC 9293 §3.5.1): the server has ended it while it was
// cut off, so its reset was lost. The first probe gets another.
func TestKeepaliveFindsAHalfOpenConnection(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		c, s := p.open(t)
		require.NoError(t, c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}))
		cut := w.Partition(p.server)
		s.SetLinger(0)
		s.Close()
		w.Settle()
		cut.Heal()
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		p.is(t, `
			0s < RST
			10s > ACK
			10.05s < RST`)
		require.Equal(t, 10100*time.Millisecond, w.Elapsed()-p.since)
	})
}

// With the user timeout data that is not acknowledged finds it. The stack counts
// it from the last time that the segment was sent before the first timeout: the
// tail loss probe of 400 ms. From there the timeouts double from 300 ms on (a
// round trip of 100 ms and four times its variation of 50 ms), and the last is
// cut to what is left of 3 s.
func TestUserTimeoutFindsThatThePeerIsGone(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		c, _ := p.open(t)
		require.NoError(t, c.SetUserTimeout(3*time.Second))
		w.Partition(p.server)
		c.Write([]byte("hello"))
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ETIMEDOUT)
		p.is(t, `
			0s > data 0+5
			400ms > data 0+5 again
			700ms > data 0+5 again
			1.3s > data 0+5 again
			2.5s > data 0+5 again`)
		require.Equal(t, 3400*time.Millisecond, w.Elapsed()-p.since)
	})
}

// Nobody reads, and the window closes. The sender probes it with a byte that was
// acknowledged already: first after the timeout (a round trip of 100 ms and four
// times its variation, 37.5 ms after two measurements), then each time after
// twice the time, and does not give up while it is answered (RFC 9293 §3.8.6.1).
// When the reader reads, its window update ends that at once.
func TestZeroWindowIsProbed(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 4096)
		c, s := p.open(t)
		const size = 20_000
		w.Go(func() { c.Write(make([]byte, size)) })
		w.Sleep(10 * time.Second)
		p.is(t, `
			0s > data 0+1420
			0s > data 1420+628
			50ms < ACK
			350ms > data 2047+1 again
			400ms < ACK
			850ms > data 2047+1 again
			900ms < ACK
			1.85s > data 2047+1 again
			1.9s < ACK
			3.85s > data 2047+1 again
			3.9s < ACK
			7.85s > data 2047+1 again
			7.9s < ACK`)
		require.EqualValues(t, 5, c.Info().Timeouts)
		begin := w.Elapsed()
		_, err := io.ReadFull(s, make([]byte, size))
		require.NoError(t, err)
		// 16 s after the last probe the next would be due; a dozen round trips
		// is what so small a window needs.
		require.Less(t, w.Elapsed()-begin, 1200*time.Millisecond)
		require.EqualValues(t, 5, c.Info().Timeouts)
	})
}

// bulk has the phone send as much at once, with a rule for what it sends. The
// ladder is of that, until it has all arrived and a second more; whatever is lost,
// no timeout is needed.
func bulk(t *testing.T, size int, rule link.Rule, ladder string) (sender tcp.Info) {
	t.Helper()
	lab.Run(t, func(w *lab.World) {
		p := newPair(t, w, 0)
		c, s := p.open(t)
		p.wire.AB().Rule(rule)
		c.Write(make([]byte, size))
		_, err := io.ReadFull(s, make([]byte, size))
		require.NoError(t, err)
		w.Sleep(time.Second)
		p.is(t, ladder)
		sender = c.Info()
		require.Zero(t, sender.Timeouts)
	})
	return sender
}

// mss is how much data the stack puts into a segment: 1500 bytes less 40 of
// headers, and less the 40 that TCP's options may take at most.
const mss = 1420

// One segment is lost, seven behind it arrive: they say so by seven duplicate
// ACKs, and after the third the segment is sent again (RFC 5681 §3.2), a round
// trip after it was sent first and long before any timeout.
func TestFastRetransmit(t *testing.T) {
	info := bulk(t, 10*mss+280, link.DropNth(3, link.Data), `
		0s > data 0+1420
		0s > data 1420+1420
		0s > data 2840+1420
		0s > data 4260+1420
		0s > data 5680+1420
		0s > data 7100+1420
		0s > data 8520+1420
		0s > data 9940+1420
		0s > data 11360+1420
		0s > data 12780+1420
		50ms < ACK
		50ms < ACK
		50ms < ACK
		50ms < ACK
		50ms < ACK
		50ms < ACK
		50ms < ACK
		100ms > data 14200+280
		100ms > data 2840+1420 again
		150ms < ACK
		150ms < ACK`)
	require.EqualValues(t, 1, info.Retransmits)
	require.EqualValues(t, 1, info.FastRetransmits)
}

// The last segment is lost: nothing behind it can tell. A tail loss probe
// (RFC 8985 §7) finds out: it is the segment itself, sent again two round trips
// after it and the 200 ms by which a single segment's ACK may be delayed.
func TestTailLossProbe(t *testing.T) {
	info := bulk(t, 3*mss, link.DropNth(3, link.Data), `
		0s > data 0+1420
		0s > data 1420+1420
		0s > data 2840+1420
		50ms < ACK
		500ms > data 2840+1420 again
		550ms < ACK`)
	require.EqualValues(t, 1, info.Retransmits)
}

// Of the last three segments none arrives. Now the probe does not wait for the
// 200 ms. The stack holds what it sent at once as one super-segment, so what it
// probes with is the first of the three, not the last, and the two others follow
// a round trip apart each, with no timeout.
func TestTailLossProbeOfSeveral(t *testing.T) {
	lost := 0
	info := bulk(t, 8*mss, func(v *link.View) link.Verdict {
		if link.Data(v) && v.Stream.Offset >= 5*mss && lost < 3 {
			lost++
			return link.Drop
		}
		return link.Pass
	}, `
		0s > data 0+1420
		0s > data 1420+1420
		0s > data 2840+1420
		0s > data 4260+1420
		0s > data 5680+1420
		0s > data 7100+1420
		0s > data 8520+1420
		0s > data 9940+1420
		50ms < ACK
		300ms > data 7100+1420 again
		350ms < ACK
		400ms > data 8520+1420 again
		450ms < ACK
		500ms > data 9940+1420 again
		550ms < ACK`)
	require.EqualValues(t, 3, info.Retransmits)
}

// Two segments overtake a third: two duplicate ACKs are no reason to send
// anything again. When seven overtake it, it is sent again though it only was
// late.
func TestReorderedSegment(t *testing.T) {
	for _, c := range []struct {
		held  time.Duration
		again uint64
	}{{2500 * time.Microsecond, 0}, {40 * time.Millisecond, 1}} {
		t.Run(c.held.String(), func(t *testing.T) {
			lab.Run(t, func(w *lab.World) {
				p := newPair(t, w, 0)
				client, server := p.open(t)
				p.wire.Rule(link.DelayNth(3, link.Data, c.held))
				for range 10 {
					client.Write(make([]byte, 1000))
					w.Sleep(time.Millisecond)
				}
				_, err := io.ReadFull(server, make([]byte, 10_000))
				require.NoError(t, err)
				w.Sleep(time.Second)
				info := client.Info()
				require.Equal(t, c.again, info.Retransmits)
				require.Zero(t, info.Timeouts)
				require.NotZero(t, p.wire.AB().Counters().Reordered)
			})
		})
	}
}
