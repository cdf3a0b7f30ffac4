package stack_test

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	a4, b4 = netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("10.0.0.2/24")
	a6, b6 = netip.MustParsePrefix("fd00::1/64"), netip.MustParsePrefix("fd00::2/64")
)

// pair is two hosts on a wire, closed with the test.
func pair(t *testing.T, config stack.Config, wire link.WireConfig) (a, b *stack.Host, w *link.Wire) {
	t.Helper()
	w = link.NewWire(wire)
	config.Name = "a"
	a = stack.New(config)
	b = stack.New(stack.Config{Name: "b"})
	t.Cleanup(func() {
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
		require.NoError(t, w.Close())
	})
	_, err := a.Attach(w.A(), a4, a6)
	require.NoError(t, err)
	_, err = b.Attach(w.B(), b4, b6)
	require.NoError(t, err)
	return a, b, w
}

func context10s(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestPing(t *testing.T) {
	for _, wire := range []link.WireConfig{{}, {NoOffload: true}, {Ethernet: true}} {
		a, _, w := pair(t, stack.Config{}, wire)
		for _, addr := range []netip.Addr{b4.Addr(), b6.Addr(), a4.Addr(), netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()} {
			rtt, err := a.Ping(context10s(t), addr)
			require.NoError(t, err, "%+v", wire)
			require.Positive(t, rtt)
		}
		// Only the first two crossed the wire: one request and one reply each,
		// on Ethernet behind a question for the address and its answer.
		crossed := 2
		if wire.Ethernet {
			crossed = 4
		}
		require.EqualValues(t, crossed, w.AB().Counters().Packets)
		require.EqualValues(t, crossed, w.BA().Counters().Packets)
	}
}

func TestPingSaysWhyNot(t *testing.T) {
	a, _, _ := pair(t, stack.Config{}, link.WireConfig{})
	_, err := a.Ping(context10s(t), netip.MustParseAddr("192.0.2.1"))
	require.ErrorIs(t, err, syscall.ENETUNREACH, "there is no route")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = a.Ping(ctx, netip.MustParseAddr("10.0.0.77")) // a neighbour that does not exist
	require.ErrorIs(t, err, context.Canceled)
}

// A trace and a filter see the same packets, each in its direction.
func TestInspectAndRecord(t *testing.T) {
	var mu sync.Mutex
	var got []string
	rec := trace.RecorderFunc(func(e trace.Event) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, e.Dir.String()+" "+e.What.String()+" "+e.Flow.Remote.Addr().String())
	})
	a, _, w := pair(t, stack.Config{Recorder: rec}, link.WireConfig{})
	_, err := a.Ping(context10s(t), b4.Addr())
	require.NoError(t, err)
	mu.Lock()
	require.Equal(t, []string{"out ICMP echo request, 84 bytes 10.0.0.2", "in ICMP echo reply, 84 bytes 10.0.0.2"}, got)
	mu.Unlock()

	// What is dropped on the way out never reaches the wire.
	before := w.AB().Counters().Packets
	dropped := make(chan struct{}, 1)
	remove := a.Inspect(func(dir trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
		if dir == trace.Out && v.ICMPv4 != nil {
			dropped <- struct{}{}
			return false
		}
		return true
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-dropped; cancel() }()
	_, err = a.Ping(ctx, b4.Addr())
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, w.AB().Counters().Packets)
	remove()
	_, err = a.Ping(context10s(t), b4.Addr())
	require.NoError(t, err)
}

func TestAttachRefuses(t *testing.T) {
	h := stack.New(stack.Config{Name: "h"})
	w := link.NewWire(link.WireConfig{MTU: 1000})
	_, err := h.Attach(w.A(), a6)
	require.EqualError(t, err, "host h: attach fd00::1/64: IPv6 needs an MTU of at least 1280 bytes, this link has 1000")
	l, err := h.Attach(w.A(), a4)
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{a4.Addr()}, h.Addrs())
	require.Error(t, l.AddRoute(netip.MustParsePrefix("::/0"), a4.Addr()), "a router of the other family")
	require.NoError(t, h.Close())
	require.NoError(t, h.Close(), "closing twice is fine")
	_, err = h.Attach(w.B(), b4)
	require.ErrorIs(t, err, stack.ErrClosed)
}

// Two that close a host at once both find it closed when they return.
func TestCloseTwiceAtOnce(t *testing.T) {
	for range 20 {
		h := stack.New(stack.Config{})
		w := link.NewWire(link.WireConfig{})
		_, err := h.Attach(w.A(), a4)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				h.Close()
				// Close detaches its links last: who sees one attached was too early.
				if w.A().IsAttached() {
					t.Error("it is still being closed")
				}
			})
		}
		wg.Wait()
		require.True(t, h.Closed())
	}
	require.ErrorIs(t, stack.ErrClosed, net.ErrClosed)
}

// Whoever runs the loop may settle a host that is being closed, or is: it must
// neither stop the workers that Close waits for nor wait for workers that are
// gone.
func TestSettleAndClose(t *testing.T) {
	for range 50 {
		h := stack.New(stack.Config{})
		h.Settle() // as in virtual time, where a host is paused but then
		begun, settled := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(settled)
			close(begun)
			for !h.Closed() {
				h.Settle()
			}
			h.Settle()
		}()
		<-begun
		require.NoError(t, h.Close())
		<-settled
		h.Settle()
	}
}
