package tcp_test

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/trace"
)

// What a program writes and reads is told as places in the stream, which follow
// each other; that TLS begins is seen; and the sender's state comes with each
// segment that came.
func TestStreamsAreTold(t *testing.T) {
	rec := trace.NewRecording(0)
	c, s, _ := connected(t, link.WireConfig{Recorder: rec})
	for _, p := range []string{"\x16\x03\x01 hello", " and more"} {
		_, err := io.WriteString(c, p)
		require.NoError(t, err)
		_, err = io.ReadFull(s, make([]byte, len(p)))
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return c.Info().CongestionState == "open" }, 10*time.Second, time.Millisecond)
	events, _ := rec.Events()
	var written, read []trace.Stream
	senders := 0
	for _, e := range events {
		switch w := e.What.(type) {
		case trace.Stream:
			switch {
			case e.Dir == trace.Out && e.Host == "client":
				require.Equal(t, c.Flow(), e.Flow)
				written = append(written, w)
			case e.Dir == trace.In && e.Host == "server":
				require.Equal(t, s.Flow(), e.Flow)
				read = append(read, w)
			default:
				t.Fatalf("%v: nobody wrote there", e)
			}
		case trace.Sender:
			senders++
			require.Positive(t, w.Cwnd)
		case trace.Retransmission:
			t.Fatalf("%v: nothing was lost", w)
		}
	}
	require.Equal(t, []trace.Stream{{From: 0, To: 9, TLS: true}, {From: 9, To: 18}}, written)
	require.Positive(t, senders)
	var to uint64
	for _, r := range read {
		require.Equal(t, to, r.From)
		to = r.To
	}
	require.Equal(t, uint64(18), to)
}

// What telling costs: nothing where nobody is told, which is the first beside
// BenchmarkRoundTrip/strata.
func BenchmarkTold(b *testing.B) {
	for name, rec := range map[string]trace.Recorder{
		"nobody": nil, "somebody": trace.RecorderFunc(func(trace.Event) {}), "recording": trace.NewRecording(1 << 16),
	} {
		b.Run(name, func(b *testing.B) {
			c, s, _ := connected(b, link.WireConfig{Recorder: rec})
			p := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(p); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(s, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
