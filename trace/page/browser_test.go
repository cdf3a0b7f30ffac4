package page_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/internal/chromium"
	"strata/trace/explain"
	"strata/trace/page"
)

// step is one of testdata/visit.mjs.
type step map[string]any

// look is what the page shows at a moment.
type look struct {
	Title, Told, Window, Said, Facts, Path, More, Trouble, ShownSum string
	Latency, Sum                                                    int64
	Parts                                                           []int64
	ShownParts, Losses, Listed                                      []string
	Dark, Helped, Wide, Cut                                         bool
	Conns, Nameless, Scripts, Images                                int
	Span                                                            [2]float64 // of time that is shown, ns
}

// visited is what was seen during a visit.
type visited struct {
	Looks             map[string]look
	Asked, Complaints []string
	Measured          [2][]float64 // of each frame: from the one before, and drawing; ms
	Opened            float64      // ms
}

// visit opens a page in Chromium, without a network of any kind, and does the
// steps. Screenshots stay below STRATA_SHOTS, where somebody looks at them.
func visit(t *testing.T, s *explain.Story, o page.Options, steps ...step) visited {
	t.Helper()
	playwright := chromium.Needs(t)
	file := filepath.Join(t.TempDir(), "story.html")
	require.NoError(t, page.WriteFile(file, s, o))
	info, err := os.Stat(file)
	require.NoError(t, err)
	t.Logf("the page has %d bytes", info.Size())

	shots := os.Getenv("STRATA_SHOTS")
	if shots != "" {
		shots = filepath.Join(shots, "trace-page")
		require.NoError(t, os.MkdirAll(shots, 0o755))
	}
	todo, err := json.Marshal(steps)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "visit.mjs"), playwright, file, shots)
	cmd.Stdin = bytes.NewReader(todo)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err, complaints.String())
	var saw visited
	require.NoError(t, json.Unmarshal(out, &saw), string(out))
	require.Empty(t, saw.Asked, "the page asks nobody for anything")
	require.Empty(t, saw.Complaints, "in the console")
	return saw
}

var desk = step{"do": "viewport", "width": 1280, "height": 800}

// A message is clicked: the panel has its parts, to the nanosecond, and their
// sum is its latency; what was lost is said; its way lights up. Keys do the same.
func TestSlowMessage(t *testing.T) {
	s := lateChat(t)
	saw := visit(t, s, page.Options{Title: "A late chat"},
		desk, step{"do": "open"}, step{"do": "look", "name": "opened"}, step{"do": "shot", "name": "opened-light"},
		step{"do": "click", "on": "#slowest button:has-text('second')"}, step{"do": "look", "name": "second"}, step{"do": "shot", "name": "selected-light"},
		step{"do": "press", "key": "Escape"}, step{"do": "press", "key": "0"}, step{"do": "look", "name": "cleared"},

		step{"do": "press", "key": "+"}, step{"do": "press", "key": "+"}, step{"do": "look", "name": "closer"},
		step{"do": "press", "key": "End"}, step{"do": "look", "name": "end"},
		step{"do": "press", "key": "ArrowLeft"}, step{"do": "look", "name": "left"},
		step{"do": "press", "key": "-"}, step{"do": "press", "key": "-"}, step{"do": "press", "key": "-"}, step{"do": "look", "name": "farther"},

		step{"do": "chart", "x": 780, "y": 100}, step{"do": "look", "name": "clicked"}, step{"do": "press", "key": "Escape"}, step{"do": "press", "key": "0"},
		step{"do": "wheel", "x": 500, "y": 320, "dy": -400}, step{"do": "look", "name": "wheeled"},
		step{"do": "drag", "x": 500, "y": 320, "by": -200}, step{"do": "look", "name": "dragged"},
		step{"do": "wheel", "x": 500, "y": 320, "dx": -100}, step{"do": "look", "name": "aside"}, step{"do": "press", "key": "0"},

		step{"do": "press", "key": "n"}, step{"do": "look", "name": "first"},
		step{"do": "press", "key": "n"}, step{"do": "press", "key": "n"}, step{"do": "press", "key": "Enter"}, step{"do": "look", "name": "third"},
		step{"do": "press", "key": "?"}, step{"do": "look", "name": "help"}, step{"do": "shot", "name": "help"}, step{"do": "press", "key": "Escape"},
		step{"do": "press", "key": "t"}, step{"do": "press", "key": "t"}, step{"do": "look", "name": "dark"}, step{"do": "shot", "name": "selected-dark"},
	)
	opened := saw.Looks["opened"]
	require.Equal(t, "last words", opened.Listed[0], "the slowest of all")
	require.Contains(t, opened.Facts, "1 connection")
	require.Contains(t, opened.Facts, " · 2 lost · ", "what the world's end cut off is not lost")
	require.Contains(t, opened.Facts, " cut off · ")
	require.False(t, opened.Cut, "the facts are read to their end")
	require.Zero(t, opened.Nameless, "whatever is pressed or chosen has a name")
	require.Equal(t, 2, opened.Conns, "all, and the one")

	m := messageOf(t, s, "second")
	e, err := m.Explain()
	require.NoError(t, err)
	second := saw.Looks["second"]
	require.Equal(t, "second", second.Title)
	require.Equal(t, e.Latency().Nanoseconds(), second.Latency)
	require.Equal(t, second.Latency, second.Sum)
	var sum int64
	for _, p := range second.Parts {
		sum += p
	}
	require.Equal(t, second.Sum, sum)
	require.Len(t, second.Parts, len(e.Parts))
	require.Equal(t, e.Latency(), addedUp(t, second.ShownParts), "as people read it, too")
	require.Equal(t, e.Latency(), addedUp(t, []string{second.ShownSum}))
	require.Len(t, second.Losses, 1)
	require.Contains(t, second.Losses[0], e.Losses[0].String())
	require.Contains(t, second.Losses[0], "belonged to what was sent before")
	require.Contains(t, second.Path, "it waited for")
	require.Contains(t, second.Path, "again: fast")

	require.Empty(t, saw.Looks["cleared"].Title)
	at := func(name string) string { return saw.Looks[name].Window }
	require.NotEqual(t, at("cleared"), at("closer"))
	require.NotEqual(t, at("closer"), at("end"))
	require.NotEqual(t, at("end"), at("left"))
	require.Equal(t, at("cleared"), at("farther"), "farther than all of it there is nothing")
	require.Equal(t, "last words", saw.Looks["clicked"].Title, "its bar was clicked")
	require.NotEqual(t, at("farther"), at("wheeled"))
	require.NotEqual(t, at("wheeled"), at("dragged"))
	require.NotEqual(t, at("dragged"), at("aside"))
	require.Contains(t, saw.Looks["first"].Said, "GET /chat")
	require.Empty(t, saw.Looks["first"].Title, "gone to, not selected")
	require.Equal(t, "hello", saw.Looks["third"].Title)
	require.True(t, saw.Looks["help"].Helped)
	require.False(t, saw.Looks["third"].Dark)
	require.True(t, saw.Looks["dark"].Dark)
	require.Equal(t, "hello", saw.Looks["dark"].Title, "Escape closed the help, and nothing else")
}

// A Socket.IO event is the frames that carried it, and these lead back to it.
func TestEvent(t *testing.T) {
	s := lateEvent(t)
	saw := visit(t, s, page.Options{Title: "A late event"}, desk, step{"do": "open"}, step{"do": "look", "name": "opened"},
		step{"do": "type", "on": "#filter", "text": "socket.io event / \"say\" [\"say\",\"is"}, step{"do": "click", "on": "#slowest button"},
		step{"do": "look", "name": "event"}, step{"do": "shot", "name": "event"},
		step{"do": "click", "on": ".path .link"}, step{"do": "look", "name": "frame"},
	)
	event, frame := saw.Looks["event"], saw.Looks["frame"]
	require.Contains(t, saw.Looks["opened"].Listed, `say "is anybody there?"`)
	require.NotContains(t, saw.Looks["opened"].Listed, `42["say","is anybody there?"]`, "what carried it is the same once more")
	require.Equal(t, "say", event.Title)
	require.Contains(t, event.Path, "frame ")
	require.Contains(t, event.Path, "again: ")
	require.NotEmpty(t, event.Losses)
	require.Equal(t, event.Latency, event.Sum)
	require.Contains(t, frame.Told, "ws text")
	require.Contains(t, frame.Path, "message say", "and back up")
}

// addedUp reads durations in milliseconds and adds them.
func addedUp(t *testing.T, shown []string) (sum time.Duration) {
	for _, s := range shown {
		d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
		require.NoError(t, err)
		sum += d
	}
	return sum
}

// messageOf is the message whose text begins so.
func messageOf(t *testing.T, s *explain.Story, text string) *explain.Message {
	i := slices.IndexFunc(s.Messages, func(m *explain.Message) bool { return strings.Contains(m.What.String(), `"`+text) })
	require.GreaterOrEqual(t, i, 0, text)
	return s.Messages[i]
}

// A phone: nothing is wider than the screen, and a link opens with its message.
func TestPhone(t *testing.T) {
	saw := visit(t, lateChat(t), page.Options{}, step{"do": "viewport", "width": 390, "height": 844, "dark": true},
		step{"do": "open"}, step{"do": "look", "name": "opened"}, step{"do": "shot", "name": "phone-dark"},
		step{"do": "open", "hash": "#message=2"}, step{"do": "look", "name": "linked"}, step{"do": "shot", "name": "phone-linked"},
	)
	require.True(t, saw.Looks["opened"].Dark, "as the system has it")
	for _, l := range saw.Looks {
		require.False(t, l.Wide)
	}
	require.Equal(t, "hello", saw.Looks["linked"].Title)
}

// On a phone two fingers that go apart show less time around their middle, as many
// times less as they are further apart then, and what lies under them stays there;
// together again they show as much as before. One finger pans, and a tap selects.
func TestPinch(t *testing.T) {
	const x, y = 195, 420
	saw := visit(t, lateChat(t), page.Options{}, step{"do": "viewport", "width": 390, "height": 844},
		step{"do": "open"}, step{"do": "look", "name": "opened"},
		step{"do": "pinch", "x": x, "y": y, "from": 80, "to": 240}, step{"do": "look", "name": "apart"}, step{"do": "shot", "name": "phone-pinched"},
		step{"do": "swipe", "x": x, "y": y, "by": -100}, step{"do": "look", "name": "panned"},
		step{"do": "swipe", "x": x, "y": y, "by": 100}, step{"do": "look", "name": "back"},
		step{"do": "pinch", "x": x, "y": y, "from": 240, "to": 80}, step{"do": "look", "name": "together"},
	)
	span := func(name string) float64 { s := saw.Looks[name].Span; return s[1] - s[0] }
	middle := func(name string) float64 { s := saw.Looks[name].Span; return (s[0] + s[1]) / 2 }
	require.InEpsilon(t, span("opened")/3, span("apart"), 0.02)
	require.InDelta(t, middle("opened"), middle("apart"), span("apart")/4, "around the fingers, and a margin of names beside")
	require.InEpsilon(t, span("apart"), span("panned"), 0.001, "one finger does not zoom")
	require.Greater(t, middle("panned"), middle("apart"), "later is shown when the finger goes left")
	require.InDelta(t, middle("apart"), middle("back"), span("apart")/100)
	require.InEpsilon(t, span("opened"), span("together"), 0.02)
}

// What a peer has said is shown, and does nothing: markup, what ends a script,
// line separators, and letters that turn the direction of writing.
func TestHostileText(t *testing.T) {
	texts := []string{
		"</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{script}} {{data}}",
		"line\u2028separator\u2029", "\u202e\u2067txet detrevni\u2066", "]]>--><!--", "nul\x00 bell\x07", `'";alert(1)//`,
	}
	s := run(t, "delay 10ms", func(k *talk) { k.says(texts...) })
	steps := []step{desk, {"do": "open"}}
	for i := range texts {
		steps = append(steps, step{"do": "open", "hash": "#message=" + string(rune('2'+i))}, step{"do": "look", "name": texts[i]})
	}
	saw := visit(t, s, page.Options{Title: texts[0]}, append(steps, step{"do": "shot", "name": "hostile"})...)
	for _, text := range texts {
		l := saw.Looks[text]
		begin := strings.NewReplacer("\x00", "␀", "\x07", "␇").Replace(text)
		require.True(t, strings.HasPrefix(begin, strings.TrimSuffix(l.Title, "…")), "%q is shown for %q", l.Title, text)
		require.NotEmpty(t, strings.TrimSuffix(l.Title, "…"))
		require.Equal(t, 2, l.Scripts, "the data's and the page's")
		require.Zero(t, l.Images)
	}
}

// Two connections: one is chosen, then all of a host; and a filter by text.
func TestChoosing(t *testing.T) {
	saw := visit(t, twoPhones(t), page.Options{Title: "Two phones behind a router"}, desk, step{"do": "open"},
		step{"do": "choose", "on": "#conn", "value": "-1"}, step{"do": "look", "name": "all"}, step{"do": "shot", "name": "two-all"},
		step{"do": "choose", "on": "#conn", "value": "1"}, step{"do": "look", "name": "second"}, step{"do": "shot", "name": "two-second"},
		step{"do": "choose", "on": "#host", "value": "0"}, step{"do": "look", "name": "host"},
		step{"do": "type", "on": "#filter", "text": "QUESTION 3"}, step{"do": "look", "name": "filtered"},
	)
	all, second, host := saw.Looks["all"], saw.Looks["second"], saw.Looks["host"]
	require.Equal(t, 3, all.Conns)
	require.Greater(t, len(all.Listed), len(second.Listed))
	require.NotEmpty(t, second.Listed)
	require.Equal(t, 2, host.Conns, "all of the host's, and the one")
	require.Len(t, host.Listed, len(all.Listed)-len(second.Listed))
	require.ElementsMatch(t, []string{"question 3", "QUESTION 3"}, saw.Looks["filtered"].Listed, "asked and answered")
}

// Fifty thousand packets: the page opens, zooms and pans, and says how fast.
func TestFiftyThousandPackets(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 50,000 packets")
	}
	s := crowd()
	saw := visit(t, s, page.Options{Title: "A crowd"}, desk, step{"do": "open"}, step{"do": "look", "name": "opened"}, step{"do": "shot", "name": "crowd"},
		step{"do": "measure", "frames": 40}, step{"do": "click", "on": "#slowest button"}, step{"do": "look", "name": "slowest"}, step{"do": "shot", "name": "crowd-selected"},
	)
	require.Contains(t, saw.Looks["opened"].Facts, "50,")
	require.Equal(t, saw.Looks["slowest"].Latency, saw.Looks["slowest"].Sum)
	for i, what := range []string{"from frame to frame", "drawing a frame"} {
		all := saw.Measured[i]
		require.NotEmpty(t, all)
		slices.Sort(all)
		t.Logf("%s: median %.1f ms, 95 %% %.1f ms, longest %.1f ms", what, all[len(all)/2], all[len(all)*95/100], all[len(all)-1])
	}
	t.Logf("opened in %.0f ms", saw.Opened)
}
