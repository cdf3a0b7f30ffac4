package tcp_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/internal/echo"
	"strata/internal/hostile"
	"strata/tcp"
)

// synFrom is a SYN to 10.0.0.2:80 from the n-th of many addresses that nobody
// has.
func synFrom(n int) []byte {
	from := netip.AddrFrom4([4]byte{10, 9, byte(n >> 8), byte(n)})
	return hostile.SYN(netip.AddrPortFrom(from, 1024+uint16(n)), netip.MustParseAddrPort("10.0.0.2:80"), uint32(n))
}

// A flood of SYNs from addresses that do not answer: who has a connection keeps
// it, who wants one gets it, and what is remembered of the others is bounded: by
// the backlog an endpoint each of some 4 KiB, by maxHandshakes less than 1 KiB
// each. The half-open connections are 50,000 where STRATA_SOAK is set.
func TestSYNFlood(t *testing.T) {
	type siege struct {
		name           string
		flood, backlog int
		memory         int // bytes at most
	}
	sieges := []siege{
		// Nearly all of them take nothing but a SYN cookie.
		{"far beyond the backlog", 20_000, 128, 32 << 20},
		// A backlog that takes all of them: the listener has asked for it.
		{"all half-open", 8_000, 10_000, 64 << 20},
	}
	if os.Getenv("STRATA_SOAK") != "" {
		sieges = append(sieges,
			siege{"50,000 and the default backlog", 50_000, tcp.DefaultBacklog, 64 << 20},
			siege{"50,000 half-open", 50_000, 60_000, 400 << 20})
	}
	for _, c := range sieges {
		t.Run(c.name, func(t *testing.T) {
			b := newBesieged(t)
			go echo.Serve(b.listen(c.backlog))
			old := b.dial()
			b.echo(old)
			before := heapInUse()
			for n := range c.flood {
				b.sendIn(synFrom(n))
				if n%1000 == 0 {
					b.echo(old)
				}
			}
			b.settled()
			b.echo(old)
			young := b.dial()
			b.echo(young)

			in, out := b.strangers.AB().Counters(), b.strangers.BA().Counters()
			require.EqualValues(t, c.flood, in.Delivered, "the wire itself drops none")
			require.GreaterOrEqual(t, out.Packets, uint64(c.flood), "all are answered, beyond the backlog by cookies")
			require.LessOrEqual(t, tcp.Incomplete(b.server), int64(tcp.MaxHandshakes))
			half := b.halfOpen()
			require.Equal(t, min(c.flood, c.backlog-1), half, "what is half-open is the backlog's")
			cookies := b.server.Stack().Stats().TCP.ListenOverflowSynCookieSent.Value()
			// Our young friend's SYN is one of them then, and may come again.
			require.GreaterOrEqual(t, cookies, uint64(c.flood-half), "the others got a cookie, and that was counted")
			require.LessOrEqual(t, cookies, uint64(c.flood-half+8))
			// A cookie has no room for what the SYN said it can do (RFC 4987 §3.6):
			// Netstat shows a connection that has to do without.
			require.Equal(t, half == c.flood, young.Info().SACK)
			require.Equal(t, half == c.flood, young.Info().WindowScaling)

			grown := heapInUse() - before
			t.Logf("%d SYNs: %d answers, %d half-open, %d cookies, %d KiB", c.flood, out.Packets, half, cookies, grown>>10)
			require.Less(t, grown, c.memory)
		})
	}
}
