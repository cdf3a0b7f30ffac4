package udp_test

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/udp"
)

// In a bubble time passes only when every goroutine waits in a way that the
// runtime knows to last: so does each of several reads of one Conn. An hour
// goes by at once, to the nanosecond.
func TestReadsWaitInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := stack.New(stack.Config{})
		h.Settle() // the stack's TCP workers are not what waits here
		c, err := udp.Listen(h, "udp", ":0")
		require.NoError(t, err)
		start := h.Loop().Now()
		require.NoError(t, c.SetDeadline(start.Add(time.Hour)))
		ended := make(chan error)
		for range 3 {
			go func() {
				_, _, err := c.ReadFrom(make([]byte, 10))
				ended <- err
			}()
		}
		for range 3 {
			require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
		}
		require.Equal(t, time.Hour, h.Loop().Now().Sub(start))
		require.NoError(t, c.Close())
		require.NoError(t, h.Close())
	})
}

// A full send buffer makes a write wait: for a link that keeps what it is given
// a while, until the deadline, until the link has sent something, or until
// Close.
func TestWriteWaitsForTheSendBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := stack.New(stack.Config{})
		h.Settle()
		slow := &slowLink{End: link.NewWire(link.WireConfig{}).A()}
		_, err := h.Attach(slow, netip.MustParsePrefix("10.0.0.1/24"))
		require.NoError(t, err)
		c, err := (&udp.ListenConfig{Host: h, WriteBuffer: 4096}).ListenPacket(t.Context(), "udp4", ":0")
		require.NoError(t, err)
		write := func() error {
			_, err := c.WriteToUDPAddrPort(make([]byte, 1400), netip.MustParseAddrPort("10.0.0.2:9"))
			return err
		}
		for range 3 { // the third one still finds room, and fills it
			require.NoError(t, write())
		}
		start := h.Loop().Now()
		require.NoError(t, c.SetWriteDeadline(start.Add(time.Minute)))
		requireTimeout(t, write())
		require.Equal(t, time.Minute, h.Loop().Now().Sub(start))

		require.NoError(t, c.SetWriteDeadline(time.Time{}))
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- write() }()
		}
		synctest.Wait()
		require.Empty(t, done, "both wait")
		for range 2 { // room for one more, which is room for two
			slow.sent()
			require.NoError(t, <-done)
		}

		for range 2 {
			go func() { done <- write() }()
		}
		synctest.Wait()
		require.NoError(t, c.Close())
		for range 2 {
			require.ErrorIs(t, <-done, net.ErrClosed)
		}
		for slow.sent() {
		}
		require.NoError(t, h.Close())
	})
}

// slowLink keeps what it is given until the test says that it is sent.
type slowLink struct {
	*link.End
	mu   sync.Mutex
	held []*gstack.PacketBuffer
}

func (l *slowLink) WritePackets(pkts gstack.PacketBufferList) (int, tcpip.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pkt := range pkts.AsSlice() {
		pkt.IncRef()
		l.held = append(l.held, pkt)
	}
	return pkts.Len(), nil
}

// sent lets go of the oldest packet; false where there is none.
func (l *slowLink) sent() bool {
	l.mu.Lock()
	if len(l.held) == 0 {
		l.mu.Unlock()
		return false
	}
	pkt := l.held[0]
	l.held = l.held[1:]
	l.mu.Unlock()
	pkt.DecRef()
	return true
}
