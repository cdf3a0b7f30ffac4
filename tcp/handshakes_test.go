package tcp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"strata/link"
	"strata/stack"
	"strata/trace"
)

// passing is a segment on its way from a to b, as a listener on a link sees it.
func passing(t *testing.T, a, b string, seq uint32, flags header.TCPFlags) *link.View {
	t.Helper()
	from, to := netip.MustParseAddrPort(a), netip.MustParseAddrPort(b)
	p := make([]byte, header.IPv4MinimumSize+header.TCPMinimumSize)
	header.IPv4(p).Encode(&header.IPv4Fields{
		TotalLength: uint16(len(p)), TTL: 64, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: stack.Address(from.Addr()), DstAddr: stack.Address(to.Addr()),
	})
	header.TCP(p[header.IPv4MinimumSize:]).Encode(&header.TCPFields{
		SrcPort: from.Port(), DstPort: to.Port(), SeqNum: seq, DataOffset: header.TCPMinimumSize, Flags: flags,
	})
	v := new(link.View)
	require.True(t, v.Parse(header.IPv4ProtocolNumber, p))
	return v
}

const (
	here, there, elsewhere = "10.0.0.1:1000", "10.0.0.2:80", "10.0.0.3:80"

	syn = header.TCPFlagSyn
	ack = header.TCPFlagAck
	rst = header.TCPFlagRst
)

var hereToThere = trace.Flow{Local: netip.MustParseAddrPort(here), Remote: netip.MustParseAddrPort(there)}

// What never becomes a connection is not waited for without end.
func TestHandshakesAgeAndAreRefused(t *testing.T) {
	var s handshakes
	now := time.Unix(1000, 0)
	s.see(trace.In, passing(t, there, here, 1, syn), now)
	s.see(trace.In, passing(t, elsewhere, here, 2, syn), now.Add(time.Minute))
	require.EqualValues(t, 2, s.incomplete.Load())

	// Any segment is the occasion; the younger one still has its time.
	other := passing(t, "10.0.0.9:1", "10.0.0.8:2", 7, ack)
	s.see(trace.In, other, now.Add(handshakeTime-1))
	require.EqualValues(t, 2, s.incomplete.Load())
	s.see(trace.In, other, now.Add(handshakeTime))
	require.EqualValues(t, 1, s.incomplete.Load())
	s.see(trace.In, other, now.Add(2*handshakeTime))
	require.Zero(t, s.incomplete.Load())
	require.Empty(t, s.entries)

	// A reset ends one at once, also one with an ACK that acknowledges.
	s.see(trace.In, passing(t, there, here, 1, syn), now)
	s.see(trace.Out, passing(t, here, there, 5, syn|ack), now)
	s.see(trace.In, passing(t, there, here, 2, rst|ack), now)
	require.Zero(t, s.incomplete.Load())
	require.Equal(t, Handshake{}, s.take(hereToThere))
}

// While one dial waits for its answer, the segments of others cost no memory.
func TestHandshakesLookAtOthersCheaply(t *testing.T) {
	var s handshakes
	now := time.Unix(1000, 0)
	s.see(trace.Out, passing(t, here, there, 1, syn), now)
	other := passing(t, "10.0.0.9:1", "10.0.0.8:2", 7, ack)
	require.Zero(t, testing.AllocsPerRun(100, func() { s.see(trace.In, other, now) }))
	require.EqualValues(t, 1, s.incomplete.Load())
}

// Both ends send a SYN, and each answers the other's (RFC 9293 §3.5, Figure 8).
func TestHandshakeOfASimultaneousOpen(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }
	type segment struct {
		dir   trace.Direction
		seq   uint32
		flags header.TCPFlags
	}
	for name, segments := range map[string][]segment{
		"their answer last":        {{trace.Out, 100, syn}, {trace.In, 300, syn}, {trace.Out, 100, syn | ack}, {trace.In, 300, syn | ack}},
		"ours last":                {{trace.Out, 100, syn}, {trace.In, 300, syn}, {trace.In, 300, syn | ack}, {trace.Out, 100, syn | ack}},
		"their SYN first":          {{trace.In, 300, syn}, {trace.Out, 100, syn}, {trace.Out, 100, syn | ack}, {trace.In, 300, syn | ack}},
		"theirs is an ACK":         {{trace.Out, 100, syn}, {trace.In, 300, syn}, {trace.Out, 100, syn | ack}, {trace.In, 301, ack}},
		"and one of them is again": {{trace.Out, 100, syn}, {trace.In, 300, syn}, {trace.Out, 100, syn | ack}, {trace.In, 300, syn | ack}, {trace.In, 300, syn}},
	} {
		var s handshakes
		var h Handshake
		for i, g := range segments {
			from, to := here, there
			if g.dir == trace.In {
				from, to = there, here
			}
			s.see(g.dir, passing(t, from, to, g.seq, g.flags), at(10*i))
		}
		require.Zero(t, s.incomplete.Load(), name)
		h = s.take(hereToThere)
		require.True(t, h.Active && h.Simultaneous, name)
		require.EqualValues(t, 100, h.LocalISN, name)
		require.EqualValues(t, 300, h.RemoteISN, name)
		if segments[0].dir == trace.Out {
			require.Equal(t, at(0), h.SYN, name)
		} else {
			require.Equal(t, at(10), h.SYN, "when we sent ours")
		}
		require.False(t, h.SYNACK.IsZero() || h.ACK.IsZero(), name)
		require.Positive(t, h.RTT(), name)
	}
}

// A SYN that came to nothing before we dialled is not half of a simultaneous
// open.
func TestHandshakeAfterAnotherOneThatWasDropped(t *testing.T) {
	var s handshakes
	now := time.Unix(1000, 0)
	s.see(trace.In, passing(t, there, here, 200, syn), now)
	s.see(trace.Out, passing(t, here, there, 100, syn), now.Add(1))
	s.see(trace.In, passing(t, there, here, 300, syn|ack), now.Add(2))
	s.see(trace.Out, passing(t, here, there, 101, ack), now.Add(3))
	h := s.take(hereToThere)
	require.True(t, h.Active && !h.Simultaneous)
	require.EqualValues(t, 300, h.RemoteISN)
	require.Equal(t, time.Duration(1), h.RTT())
	require.Equal(t, now.Add(3), h.ACK)
	require.Zero(t, s.incomplete.Load())
}
