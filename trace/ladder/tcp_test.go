package ladder

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// segments of a test: who, flags, seq, ack, length.
func segment(flags trace.Flags, seq, ack uint32, size int) trace.Segment {
	return trace.Segment{Flags: flags, Seq: seq, Ack: ack, Len: size, Window: 100}
}

func scaled(s trace.Segment, shift uint8) trace.Segment {
	s.Options.WindowScale = &shift
	return s
}

// A handshake has its numbers as they are, what follows has them relative; the
// window is scaled from the third segment on (RFC 7323 §2.2).
func TestHandshakeAndAfter(t *testing.T) {
	const client, server = 1<<32 - 1, 7000 // the client's wraps at once
	var c conn
	see := func(dir trace.Direction, s trace.Segment) string {
		v := c.see(dir, s)
		return fmt.Sprintf("%d/%d win=%d handshake=%v opened=%v first=%v %v", v.seq, v.ack, v.window, v.handshake, v.opened, v.first, v.mark)
	}
	syn, synAck := scaled(segment(trace.SYN, client, 0, 0), 2), scaled(segment(trace.SYN|trace.ACK, server, 0, 0), 3)
	require.Equal(t, "4294967295/0 win=100 handshake=true opened=false first=true ", see(trace.In, syn))
	require.Equal(t, "4294967295/0 win=100 handshake=true opened=false first=false retransmission", see(trace.In, syn))
	require.Equal(t, "7000/0 win=100 handshake=true opened=false first=false ", see(trace.Out, synAck))
	require.Equal(t, "7000/0 win=100 handshake=true opened=false first=false retransmission", see(trace.Out, synAck))
	require.Equal(t, "0/7001 win=400 handshake=true opened=true first=false ", see(trace.In, segment(trace.ACK, 0, server+1, 0)))
	require.Equal(t, "1/1 win=400 handshake=false opened=false first=false ", see(trace.In, segment(trace.ACK, 0, server+1, 10)))
	require.Equal(t, "1/11 win=800 handshake=false opened=false first=false ", see(trace.Out, segment(trace.ACK|trace.FIN, server+1, 10, 5)))
	require.Equal(t, "1/11 win=800 handshake=false opened=false first=false retransmission", see(trace.Out, segment(trace.ACK|trace.FIN, server+1, 10, 5)))
	require.Equal(t, "11/7 win=400 handshake=false opened=false first=false ", see(trace.In, segment(trace.ACK, 10, server+7, 0)))
	// The same addresses again: a new connection.
	require.Equal(t, "500/0 win=100 handshake=true opened=false first=true ", see(trace.In, segment(trace.SYN, 500, 0, 0)))
	require.Equal(t, "0/501 win=100 handshake=true opened=false first=false ", see(trace.Out, segment(trace.RST|trace.ACK, 0, 501, 0)))
}

// A connection that was joined in the middle counts from its first segment.
func TestJoinedInTheMiddle(t *testing.T) {
	var c conn
	v := c.see(trace.Out, segment(trace.ACK, 9000, 70, 100))
	require.Equal(t, []uint32{1, 1}, []uint32{v.seq, v.ack})
	v = c.see(trace.In, segment(trace.ACK, 70, 9100, 5))
	require.Equal(t, []uint32{1, 101}, []uint32{v.seq, v.ack})
	require.Equal(t, ordinary, v.mark)
	require.Equal(t, 100, v.window) // as it was sent: the shift was in the SYN
}

// The marks against a model that remembers every byte, over a wrap of the
// sequence numbers.
func TestMarksAgainstAModel(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		base := uint32(1<<32 - 40)
		var c conn
		c.see(trace.In, segment(trace.SYN, base-1, 0, 0))
		c.see(trace.Out, segment(trace.SYN|trace.ACK, 1, base, 0))
		c.see(trace.In, segment(trace.ACK, base, 2, 0))
		var seen [200]bool
		next := 0
		for range 60 {
			from := max(0, next-20+r.IntN(28))
			to := from + 1 + r.IntN(6)
			want := retransmission
			switch {
			case from == next:
				want = ordinary
			case from > next:
				want = afterHole
			default:
				for i := from; i < min(to, next); i++ {
					if !seen[i] {
						want = outOfOrder
					}
				}
			}
			if to > len(seen) {
				break
			}
			holes := 0 // a ninth would make it forget one
			for i := 1; i < next; i++ {
				if !seen[i-1] && seen[i] {
					holes++
				}
			}
			if holes >= len(half{}.holes)-1 {
				break
			}
			v := c.see(trace.In, segment(trace.ACK, base+uint32(from), 2, to-from))
			require.Equal(t, want, v.mark, "seed %d: [%d, %d) after %d", seed, from, to, next)
			for i := from; i < to; i++ {
				seen[i] = true
			}
			next = max(next, to)
		}
	}
}

// More holes than are remembered: the oldest is forgotten, and what fills it
// is taken for a retransmission.
func TestHolesAreBounded(t *testing.T) {
	var c conn
	c.see(trace.In, segment(trace.ACK, 0, 0, 10))
	const holes = len(half{}.holes) + 1
	for i := range uint32(holes) {
		require.Equal(t, afterHole, c.see(trace.In, segment(trace.ACK, 20+20*i, 0, 10)).mark)
	}
	require.Equal(t, retransmission, c.see(trace.In, segment(trace.ACK, 10, 0, 10)).mark)
	for i := range uint32(holes - 1) {
		require.Equal(t, outOfOrder, c.see(trace.In, segment(trace.ACK, 30+20*i, 0, 10)).mark)
	}
	require.Zero(t, c.in.open)
}
