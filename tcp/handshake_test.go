package tcp_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// Two hosts dial each other at once, and neither's SYN arrives before the other
// has sent its own. Both see the same handshake.
func TestSimultaneousOpen(t *testing.T) {
	a, b, _ := hosts(t, link.WireConfig{})
	for _, h := range []*stack.Host{a, b} {
		tcp.Netstat(h) // from here on it looks, also at a SYN that comes before it dials
		sent := make(chan struct{})
		var once sync.Once
		h.Inspect(func(dir trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
			switch {
			case v.TCP == nil:
			case dir == trace.Out:
				once.Do(func() { close(sent) })
			default:
				<-sent
			}
			return true
		})
	}
	type result struct {
		conn net.Conn
		err  error
	}
	at := map[*stack.Host]string{a: "10.0.0.1:1000", b: "10.0.0.2:2000"}
	dialled := map[*stack.Host]chan result{a: make(chan result), b: make(chan result)}
	for from, to := range map[*stack.Host]*stack.Host{a: b, b: a} {
		go func() {
			d := &tcp.Dialer{Host: from, LocalAddr: netip.MustParseAddrPort(at[from])}
			c, err := d.Dial("tcp", at[to])
			dialled[from] <- result{c, err}
		}()
	}
	ra, rb := <-dialled[a], <-dialled[b]
	require.NoError(t, ra.err)
	require.NoError(t, rb.err)
	ca, cb := ra.conn.(*tcp.Conn), rb.conn.(*tcp.Conn)
	defer ca.Close()
	defer cb.Close()
	ha, hb := ca.Handshake(), cb.Handshake()
	for _, h := range []tcp.Handshake{ha, hb} {
		require.True(t, h.Active && h.Simultaneous, h.String())
		require.Contains(t, h.String(), "simultaneous")
		require.False(t, h.SYN.IsZero() || h.SYNACK.IsZero() || h.ACK.IsZero(), h.String())
		require.Positive(t, h.RTT())
		require.EqualValues(t, 1460, h.Remote.MSS)
	}
	require.Equal(t, ha.LocalISN, hb.RemoteISN)
	require.Equal(t, ha.RemoteISN, hb.LocalISN)
}

// A dial that comes to nothing leaves nothing to look for.
func TestDialThatFailsIsForgotten(t *testing.T) {
	client, _, _ := hosts(t, link.WireConfig{})
	_, err := (&tcp.Dialer{Host: client, Timeout: time.Millisecond}).Dial("tcp", "10.0.0.99:80")
	require.Error(t, err)
	require.Zero(t, tcp.Incomplete(client))
	_, err = (&tcp.Dialer{Host: client}).Dial("tcp", "10.0.0.2:80")
	require.Error(t, err)
	require.Zero(t, tcp.Incomplete(client))
}

// Who looks first does not look alone: none comes back before segments are seen.
func TestHandshakeIsSeenByTheFirstOfMany(t *testing.T) {
	for range 20 {
		client, server, _ := hosts(t, link.WireConfig{})
		ln, err := tcp.Listen(server, "tcp", "10.0.0.2:80")
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				c, err := (&tcp.Dialer{Host: client}).Dial("tcp", "10.0.0.2:80")
				if !noError(t, err) {
					return
				}
				if h := c.(*tcp.Conn).Handshake(); h.SYN.IsZero() || h.SYNACK.IsZero() {
					t.Error(h)
				}
				c.Close()
			})
		}
		wg.Wait()
		require.NoError(t, ln.Close())
	}
}
