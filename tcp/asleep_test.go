package tcp_test

import (
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/tcp"
	"strata/trace"
)

// sleeper is a recording that wants nothing but beginnings until it is awake.
type sleeper struct {
	*trace.Recording
	awake atomic.Bool
}

var _ trace.Selective = (*sleeper)(nil)

func (s *sleeper) Interest(trace.Flow) trace.Interest {
	if s.awake.Load() {
		return trace.Details
	}
	return trace.Beginnings
}

// carry sends a text from one end to the other.
func carry(t *testing.T, from, to *tcp.Conn, text string) {
	_, err := io.WriteString(from, text)
	require.NoError(t, err)
	_, err = io.ReadFull(to, make([]byte, len(text)))
	require.NoError(t, err)
}

// A recorder that sleeps is told of a connection's beginning and of nothing else,
// on any floor. When it has woken up it is told everything from then on; and of
// the first segment that is sent then, which follows others that it was not told
// of, nobody says that it was sent before.
func TestAsleep(t *testing.T) {
	rec := &sleeper{Recording: trace.NewRecording(0)}
	c, s, w := connected(t, link.WireConfig{Recorder: rec})
	carry(t, c, s, "told to nobody")
	events, _ := rec.Events()
	require.NotEmpty(t, events)
	for _, e := range events {
		seg, ok := e.What.(trace.Segment)
		require.True(t, ok && seg.Flags&trace.SYN != 0, "%v", e.What)
	}

	rec.awake.Store(true)
	var drop sync.Once
	w.AB().Rule(func(v *link.View) (verdict link.Verdict) {
		if v.PayloadLen == len("lost at first") {
			drop.Do(func() { verdict = link.Drop })
		}
		return verdict
	})
	carry(t, c, s, "told")
	carry(t, c, s, "lost at first")
	events, _ = rec.Events()
	kinds := map[string]int{}
	var again []trace.Retransmission
	for _, e := range events {
		kinds[e.What.Kind()]++
		if r, ok := e.What.(trace.Retransmission); ok {
			again = append(again, r)
		}
	}
	for _, kind := range []string{"segment", "passage", "stream", "sender"} {
		require.NotZero(t, kinds[kind], kind)
	}
	require.NotEmpty(t, again)
	for _, r := range again {
		require.Equal(t, len("lost at first"), r.Len)
	}
}

// TLS's records are followed while the recorder sleeps: the first that is told
// when it has woken up has its place.
func TestTLSAsleep(t *testing.T) {
	const hello = "\x16\x03\x01\x00\x04\x01\x00\x00\x00" // of no content
	rec := &sleeper{Recording: trace.NewRecording(0)}
	c, s, _ := connected(t, link.WireConfig{Recorder: rec})
	carry(t, c, s, hello)
	carry(t, s, c, "\x15\x03\x03")
	rec.awake.Store(true)
	carry(t, s, c, "\x00\x02\x02\x28")
	events, _ := rec.Events()
	records := map[string]trace.TLSRecord{}
	for _, e := range events {
		if r, ok := e.What.(trace.TLSRecord); ok {
			records[e.Host] = r
		}
	}
	failure := trace.TLSRecord{Type: "alert", Step: "handshake failure", From: 0, To: 7}
	require.Equal(t, map[string]trace.TLSRecord{"client": failure, "server": failure}, records)
}
