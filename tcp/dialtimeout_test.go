package tcp_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// patient is real time in which hours pass when the test says so.
type patient struct {
	clock.Loop
	mu   sync.Mutex
	held map[*heldTimer]func()
}

type heldTimer struct{ loop *patient }

func (p *patient) At(t time.Time, f func()) clock.Timer {
	if t.Sub(p.Now()) < time.Hour {
		return p.Loop.At(t, f)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &heldTimer{p}
	p.held[h] = f
	return h
}

func (h *heldTimer) Stop() bool {
	h.loop.mu.Lock()
	defer h.loop.mu.Unlock()
	_, ok := h.loop.held[h]
	delete(h.loop.held, h)
	return ok
}

func (h *heldTimer) Reset(time.Time) { panic("nobody moves a dialler's timeout") }

// pass lets the hours pass.
func (p *patient) pass() {
	p.mu.Lock()
	held := p.held
	p.held = map[*heldTimer]func(){}
	p.mu.Unlock()
	for _, f := range held {
		f()
	}
}

// A dialler's timeout is of the host's time, whatever clock hangs on the wall;
// and so it is while it waits for a name.
func TestDialTimeoutIsOfTheHostsTime(t *testing.T) {
	loop := &patient{Loop: clock.Real(), held: map[*heldTimer]func(){}}
	w := link.NewWire(link.WireConfig{})
	h := stack.New(stack.Config{Loop: loop})
	_, err := h.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24"))
	require.NoError(t, err)
	asked := make(chan struct{}, 1)
	h.SetResolver(silentResolver(asked))
	sent := make(chan struct{}, 1)
	h.Inspect(func(_ trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
		if v.TCP != nil && v.TCP.Flags()&header.TCPFlagSyn != 0 {
			select {
			case sent <- struct{}{}:
			default:
			}
		}
		return true
	})
	for address, begun := range map[string]chan struct{}{"10.0.0.99:80": sent, "nobody:80": asked} {
		dialled := make(chan error)
		go func() {
			_, err := (&tcp.Dialer{Host: h, Timeout: 2 * time.Hour}).Dial("tcp", address)
			dialled <- err
		}()
		<-begun
		loop.pass()
		err := <-dialled
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, address)
		require.ErrorIs(t, err, context.DeadlineExceeded, address)
		require.ErrorContains(t, err, "i/o timeout")
		requireTimeout(t, err)
		requireOp(t, err, "dial")
	}
	// What ends otherwise leaves no timer.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = (&tcp.Dialer{Host: h, Timeout: 2 * time.Hour}).DialContext(ctx, "tcp", "10.0.0.99:80")
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, loop.held)
	require.NoError(t, h.Close())
	require.NoError(t, w.Close())
}

// silentResolver says that it was asked, and has no answer.
type silentResolver chan struct{}

func (r silentResolver) LookupNetIP(ctx context.Context, _, name string) ([]netip.Addr, error) {
	r <- struct{}{}
	<-ctx.Done()
	return nil, &net.DNSError{Err: ctx.Err().Error(), Name: name}
}
