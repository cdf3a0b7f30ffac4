package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// A ratio below what is wanted is said to be, and so is a figure above.
func TestReportSaysWhatIsMissed(t *testing.T) {
	r := Report{Date: "2026-01-02", Seconds: 61, Sections: []Section{{Title: "Pigeons", Note: "Two of them.", Rows: []Row{
		faster("flying", "walking", "km/h", 60, 5, 10),
		faster("diving", "a fish", "m", 1, 4, 1),
		{What: "weight", Ours: 0.5, Unit: "kg", Wanted: 1},
		{What: "appetite", Ours: 2, Unit: "kg", Wanted: 1},
		{What: "colour", Ours: 3, Unit: "shades"},
	}}}}
	text := r.markdown()
	for _, line := range []string{
		"| flying | walking | 12.00× | ≥ 10 ✓ |\n",
		"| diving | a fish | 0.25× | ≥ 1 ✗ |\n",
		"| weight |  | 0.5 kg | ≤ 1 kg ✓ |\n",
		"| appetite |  | 2 kg | ≤ 1 kg ✗ |\n",
		"| colour |  | 3 shades |  |\n",
		"in 1 min 1 s",
	} {
		require.Contains(t, text, line)
	}
	path := filepath.Join(t.TempDir(), "b.json")
	require.NoError(t, r.save(path))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), `"theirs": 5`)
}

// What the other commands print is understood.
func TestReadsTheOthersTables(t *testing.T) {
	sections := wsSections(`go1.26, 2 processors

echo over loopback
                           unit  strata/event  gws   bare  best library  ratio  wanted
           64B x1 pipelined   k/s          1000  100  2000           gws  10.00    10.0
    server's processor time    µs          0.10  1.00  0.05           gws  10.00
        broadcast 64B to 10   k/s           200    -     -                    -     1.2

memory of an idle connection
  server  heap B
`)
	require.Len(t, sections, 1)
	require.Equal(t, "WebSocket: echo over loopback", sections[0].Title)
	require.Equal(t, []Row{
		{What: "64B x1 pipelined", Beside: "gws", Unit: "k/s", Ratio: 10, Wanted: 10},
		{What: "64B x1 pipelined: server's processor time", Beside: "gws", Unit: "µs", Ratio: 10},
	}, sections[0].Rows)

	s := socketioSection(`                                                     ours         node     ratio
memory an idle client, KB (2000 clients)              7.5         25.0       3.3×
echoes with ack a second                            54321`)
	require.Equal(t, []Row{{What: "memory an idle client, KB (2000 clients)", Beside: "socket.io of Node", Ratio: 3.3}}, s.Rows)

	tun, err := tunSections([]byte(`[{"link":"water","rate":{"up":1},"cpu":{"up":9}},{"link":"offload","rate":{"up":6},"cpu":{"up":1}},{"link":"offload-all","rate":{"up":5},"cpu":{"up":1}},{"link":"kernel","congestion":"vegas","rate":{"up":8},"cpu":{"up":2}}]`))
	require.NoError(t, err)
	require.Equal(t, 0.75, tun[0].Rows[0].Ratio)
	require.Contains(t, tun[0].Note, " The kernel's congestion control was vegas")
	require.Equal(t, 2.0, tun[1].Rows[0].Ratio)
	_, err = tunSections([]byte("oops"))
	require.Error(t, err)
}

// Every job does something over the wire and over the loopback; how much is
// nobody's business here.
func TestTrials(t *testing.T) {
	for _, tr := range []trial{
		{what: "bulk", conns: 1, job: (*ends).bulk},
		{what: "trips", conns: 3, size: 64, job: (*ends).roundTrips, spare: true},
		{what: "large trips", wire: link.WireConfig{MTU: 9000}, conns: 1, size: 1 << 20, job: (*ends).roundTrips},
	} {
		longEnough(t, tr.what, func(d time.Duration) float64 {
			row, err := tr.measure(1, d)
			require.NoError(t, err)
			return min(row.Ours, row.Theirs)
		})
	}
}

// longEnough measures a job for longer and longer until it has done something: on a
// busy machine little is done in ten milliseconds.
func longEnough(t *testing.T, what string, measure func(time.Duration) float64) {
	t.Helper()
	rate := 0.0
	for d := 10 * time.Millisecond; rate == 0 && d <= 10*time.Second; d *= 10 {
		rate = measure(d)
	}
	require.Positive(t, rate, what)
}

// Every floor's connections can be opened and held.
func TestFloorsHold(t *testing.T) {
	for _, floor := range []string{floorTCP, floorHTTP, floorEvent} {
		require.NoError(t, holdConns(floor, 20), floor)
	}
}

func TestMedian(t *testing.T) {
	require.Equal(t, 2.0, median([]float64{9, 1, 2}))
	require.Equal(t, 1.5, median([]float64{1, 2, 9, 1}))
}

func TestRefusesUnknownParts(t *testing.T) {
	t.Chdir("..")
	require.ErrorContains(t, run(true, "wire,pigeons", t.TempDir()), "the parts are")
}
