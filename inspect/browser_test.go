package inspect

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/internal/chromium"
	"strata/tcp"
	"strata/ws"
)

// talk has so many WebSockets say something as fast as they can, eight at a time,
// and hear it again, until the test ends.
func (s *seen) talk(conns int) {
	ln, err := tcp.Listen(s.server, "tcp", ":80")
	require.NoError(s.t, err)
	echo := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, &ws.AcceptOptions{Recorder: s.rec, Host: "server"})
		if err != nil {
			return
		}
		for {
			kind, text, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, text) != nil {
				return
			}
		}
	})}
	go echo.Serve(ln)
	ctx, stop := context.WithCancel(context.Background())
	all := make([]*ws.Conn, conns)
	for i := range all {
		all[i], _, err = ws.Dial(ctx, "ws://10.0.0.2/", &ws.DialOptions{DialContext: (&tcp.Dialer{Host: s.phone}).DialContext})
		require.NoError(s.t, err)
	}
	var talking sync.WaitGroup
	for first := range 8 {
		talking.Go(func() {
			for i := first; ctx.Err() == nil; i += 8 {
				c := all[i%conns]
				if c.Write(ctx, ws.MessageText, fmt.Appendf(nil, "said %d", i)) != nil {
					return
				}
				if _, _, err := c.Read(ctx); err != nil {
					return
				}
			}
		})
	}
	s.t.Cleanup(func() {
		stop()
		talking.Wait()
		for _, c := range all {
			c.CloseNow()
		}
		echo.Close()
	})
}

// A thousand connections that say more than can be followed: the page says of how
// many it shows the messages, and shows these, explained. How many frames a second
// it has meanwhile is told and not asserted:
//
//	go test -v -run Crowd ./inspect
func TestCrowdOnThePage(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a thousand connections, and Chromium")
	}
	playwright := chromium.Needs(t)
	s := watch(t)
	const conns, seconds = 1000, 3
	s.talk(conns)
	shot := os.Getenv("STRATA_SHOTS")
	if shot != "" {
		require.NoError(t, os.MkdirAll(filepath.Join(shot, "inspect"), 0o755))
		shot = filepath.Join(shot, "inspect", "crowd.png")
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "frames.mjs"), playwright, s.url, fmt.Sprint(seconds), shot)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err, complaints.String())
	var saw struct {
		Followed, Connections       string
		Messages, Explained, Frames int
		Longest                     float64
		Complaints                  []string
	}
	require.NoError(t, json.Unmarshal(out, &saw), string(out))
	require.Regexp(t, `^of \d+ of 1,000 connections`, saw.Followed)
	require.Contains(t, saw.Connections, "1,000")
	require.Positive(t, saw.Explained)
	require.Empty(t, saw.Complaints, "in the console")
	t.Logf("messages %s; %d shown, %d explained", saw.Followed, saw.Messages, saw.Explained)
	t.Logf("%.1f frames a second, the longest %.0f ms", float64(saw.Frames)/seconds, saw.Longest)
}

// What is typed and refused stays to be mended, with why, until another shape is
// set; a long shape moves no slider; on a phone the button stays beside the
// presets. When the server is gone, what was last heard no longer looks live.
func TestShapeOnThePage(t *testing.T) {
	playwright := chromium.Needs(t)
	s := watch(t)
	shots := os.Getenv("STRATA_SHOTS")
	if shots != "" {
		shots = filepath.Join(shots, "inspect")
		require.NoError(t, os.MkdirAll(shots, 0o755))
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "shape.mjs"), playwright, s.url, shots)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "it says nothing")
	var saw struct {
		Kept, Why, Later     string
		Sliders, Row, Narrow []int
		Wide                 bool
	}
	require.NoError(t, json.Unmarshal(lines.Bytes(), &saw), lines.Text())
	require.Equal(t, "delay banana", saw.Kept)
	require.Contains(t, saw.Why, `"banana"`)
	require.Contains(t, saw.Later, "delay 35ms 5ms 25%")
	for _, tops := range [][]int{saw.Sliders, saw.Row, saw.Narrow} {
		require.GreaterOrEqual(t, len(tops), 2)
		require.Len(t, slices.Compact(tops), 1, "in one row")
	}
	require.False(t, saw.Wide)

	require.NoError(t, s.page.Close())
	var gone struct{ Status string }
	require.True(t, lines.Scan(), "it does not see that nobody answers")
	require.NoError(t, json.Unmarshal(lines.Bytes(), &gone), lines.Text())
	require.Contains(t, gone.Status, "last heard")
	require.NoError(t, cmd.Wait(), complaints.String())
}
