package ladder

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// One object a line, in the order of the events of one goroutine, also where
// many report at once.
func TestJSONLines(t *testing.T) {
	var b bytes.Buffer
	j := JSON(&b)
	var wg sync.WaitGroup
	const writers, each = 4, 100
	for n := range writers {
		s := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").say(trace.In, trace.HTTP{Method: "GET", Path: "/é"})
		wg.Go(func() {
			for i := range each {
				e := s.events[0]
				e.At = e.At.Add(time.Duration(i))
				e.Flow.Local = e.Flow.Remote
				e.What = trace.Frame{Opcode: "text", Len: int64(n)}
				j.Record(e)
			}
		})
	}
	wg.Wait()
	j.Record(trace.Event{}) // nothing happened
	require.NoError(t, j.Close())
	j.Record(trace.Event{What: trace.Frame{}}) // too late

	var last [writers]time.Time
	lines := 0
	for line := range strings.Lines(b.String()) {
		lines++
		var got struct {
			Time  time.Time
			Layer int
			Kind  string
			Dir   string
			Frame struct{ Len int }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &got))
		require.Equal(t, "frame", got.Kind)
		require.Equal(t, "in", got.Dir)
		require.Equal(t, 6, got.Layer)
		require.True(t, got.Time.After(last[got.Frame.Len]))
		last[got.Frame.Len] = got.Time
	}
	require.Equal(t, writers*each, lines)
}

// What a terminal obeys is escaped, and a program reads it as it was.
func FuzzJSON(f *testing.F) {
	f.Add("\x1b[2J\x7f\u009b\u202e\U000e0041 é 漢 🙂 \n \xff")
	f.Add("plain")
	f.Fuzz(func(t *testing.T, said string) {
		var b bytes.Buffer
		j := JSON(&b)
		j.Record(trace.Event{What: trace.Frame{Preview: said}})
		require.NoError(t, j.Close())
		line := strings.TrimSuffix(b.String(), "\n")
		for _, r := range line {
			require.True(t, strconv.IsPrint(r), "%q in %q", r, line)
		}
		var got struct{ Frame struct{ Preview string } }
		require.NoError(t, json.Unmarshal([]byte(line), &got))
		require.Equal(t, []rune(said), []rune(got.Frame.Preview)) // each byte that is not UTF-8 is U+FFFD in both
	})
}

// Who reads too slowly is told how much it missed; an event that JSON cannot
// say counts as missed.
func TestJSONToASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &stopped{wake: make(chan struct{})}
		j := JSON(pipe)
		e := trace.Event{What: trace.Frame{Preview: strings.Repeat("x", 10_000)}}
		const events = 1000
		for range events {
			j.Record(e)
		}
		j.Record(trace.Event{At: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), What: trace.Frame{}})
		close(pipe.wake)
		require.NoError(t, j.Close())
		written, missed := 0, 0
		for line := range strings.Lines(pipe.String()) {
			var got struct {
				Kind    string
				Dropped struct{ Count int }
			}
			require.NoError(t, json.Unmarshal([]byte(line), &got))
			if got.Kind == "dropped" {
				missed += got.Dropped.Count
			} else {
				written++
			}
		}
		require.Equal(t, events+1, written+missed)
		require.Greater(t, written, jsonWaiting/len(e.What.(trace.Frame).Preview)/2)
		require.NotZero(t, missed)
	})
}

// The caller's own lines come in their place; with a writer that takes nothing
// neither they nor the end wait for ever.
func TestJSONNote(t *testing.T) {
	var b bytes.Buffer
	j := JSON(&b)
	j.Note([]byte(`{"kind":"ready","note":"\u007f"}`))
	j.Record(trace.Event{What: trace.Frame{}})
	j.Note([]byte("{\"kind\":\"closed\",\"note\":\"\x7f\"}"))
	require.NoError(t, j.Close())
	lines := strings.Split(b.String(), "\n")
	require.Len(t, lines, 4)
	require.JSONEq(t, `{"kind":"ready","note":"\u007f"}`, lines[0])
	require.Contains(t, lines[1], `"frame"`)
	require.Equal(t, `{"kind":"closed","note":"\u007f"}`, lines[2], "escaped like the others")
	require.Empty(t, lines[3])

	synctest.Test(t, func(t *testing.T) {
		pipe := &stopped{wake: make(chan struct{})}
		defer close(pipe.wake)
		j := JSON(pipe)
		j.Note([]byte(`{"kind":"ready"}`))
		j.Note([]byte(`{"kind":"closed"}`))
		require.ErrorContains(t, j.Close(), "took nothing")
	})
}

type short struct{}

func (short) Write(b []byte) (int, error) { return len(b) / 2, nil }

func TestJSONToAShortWriter(t *testing.T) {
	j := JSON(short{})
	j.Record(trace.Event{What: trace.Frame{}})
	require.ErrorContains(t, j.Close(), "short write")
	require.ErrorIs(t, j.Close(), io.ErrShortWrite)
}

func BenchmarkJSON(b *testing.B) {
	j := JSON(discard{})
	s := newScript("server", "10.77.0.2:80", "10.77.0.1:40122").seg(trace.Out, trace.ACK|trace.PSH, 1448)
	b.ReportAllocs()
	for b.Loop() {
		j.Record(s.events[0])
	}
	require.NoError(b, j.Close())
}
