package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/internal/chromium"
	"strata/lab/report"
	"strata/lab/sweep"
	"strata/lab/workload"
)

// made is the report of a small sweep of echoes, run here.
func made(t *testing.T) *report.Report {
	t.Helper()
	w, err := workload.Find("ws-echo")
	require.NoError(t, err)
	g := &sweep.Grid{Workload: w, Engines: []string{sweep.Virtual}, Seeds: sweep.Seeds(1, 2), Axes: []sweep.Values{
		{Axis: "delay", Values: []string{"10ms", "100ms"}}, {Axis: "loss", Values: []string{"0", "2%", "10%"}}, {Axis: "duration", Values: []string{"5s"}},
	}}
	require.NoError(t, g.Check(100))
	var outcomes []sweep.Outcome
	for i, cell := range g.Cells() {
		p, err := w.Params(cell.Settings)
		require.NoError(t, err)
		o := sweep.Outcome{Cell: cell}
		if i == 1 { // one that broke, in words that markup and CSV could choke on
			o.Error = `the <b>worker</b> died, "why"`
		} else {
			o.Result, err = workload.Run(t, w, p, workload.Options{Seed: cell.Seed})
			require.NoError(t, err)
		}
		outcomes = append(outcomes, o)
	}
	r := &report.Report{
		Workload: w, Command: "strata lab ws-echo --delay 10ms,100ms </script>", Versions: []report.Version{{Part: "strata", Version: "test"}},
		Points: sweep.Points(w, outcomes), Cells: len(outcomes), Explanations: map[string]*workload.Explanation{},
	}
	for _, p := range r.Points {
		o := p.Slowest()
		r.Explanations[o.Cell.Key()] = &workload.Explanation{
			Parts: []workload.Part{{Name: "lost, until the timeout", Took: 300 * time.Millisecond}, {Name: "propagation", Took: 100 * time.Millisecond}},
			Lines: []string{"the second segment was <lost>"},
		}
	}
	return r
}

// The same outcomes are the same bytes, in which everything is that was measured.
func TestFilesHaveEverything(t *testing.T) {
	r := made(t)
	folders := []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")}
	read := func(folder, name string) []byte {
		b, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		return b
	}
	for _, f := range folders {
		require.NoError(t, r.Write(f))
	}
	for _, name := range []string{report.Page, report.Values, report.Data} {
		require.Equal(t, string(read(folders[0], name)), string(read(folders[1], name)), name)
	}

	rows, err := csv.NewReader(bytes.NewReader(read(folders[0], report.Values))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+12)
	row := map[string]string{}
	for i, head := range rows[0] {
		row[head] = rows[5][i]
	}
	require.Equal(t, "2%", rows[3][3])
	require.Equal(t, "10%", row["loss"])
	require.Equal(t, "1", row["seed"])
	require.Equal(t, "50", row["count of latency"])
	require.NotEmpty(t, row["p99 of latency [s]"])
	require.Equal(t, "strata lab ws-echo --delay 10ms --loss 10% --duration 5s --seed 1", row["command"])
	require.Contains(t, rows[2], `the <b>worker</b> died, "why"`)

	var data struct {
		Cells, Ran int
		Results    []struct {
			Cell   sweep.Cell
			Result *workload.Result
			Error  string
		}
	}
	require.NoError(t, json.Unmarshal(read(folders[0], report.Data), &data))
	require.Equal(t, 12, data.Ran)
	require.Equal(t, r.Points[1].Outcomes[0].Result, data.Results[2].Result)
}

// The table has a line for each point, and says what broke.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	made(t).Table(&out)
	require.Contains(t, out.String(), "ws-echo, duration 5s; of 2 seeds each")
	require.Regexp(t, `(?m)^ *delay +loss +messages +mean`, out.String())
	require.Regexp(t, `(?m)^100ms +0 +50 +200 ms +200 ms`, out.String())
	require.Contains(t, out.String(), "1 cell broke; the first: strata lab ws-echo --delay 10ms --loss 0 --duration 5s --seed 2: the <b>worker</b>")
}

// The heartbeat's advice is below the table: the formulas for the path.
func TestAdvice(t *testing.T) {
	w, err := workload.Find("half-open")
	require.NoError(t, err)
	p, err := w.Params([]workload.Setting{{Axis: "loss", Value: "5%"}})
	require.NoError(t, err)
	r := &report.Report{Workload: w, Points: []*sweep.Point{{Engine: sweep.Virtual, Params: p}}}
	var out bytes.Buffer
	r.Table(&out)
	require.Contains(t, out.String(), "pingInterval and pingTimeout on this path (delay 50ms loss 5%)")
	require.Regexp(t, `25s \* +20s +45s +32\.5s +\d+ +[\d.]+`, out.String())
}

// Nothing in the page is from elsewhere, and nothing of what was measured can end
// its script.
func TestThePageAsksForNothing(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, made(t).HTML(&out))
	page := out.String()
	require.Contains(t, page, "default-src 'none'")
	require.Equal(t, 2, strings.Count(page, "</script>"), "those that are the page's own")
	without := strings.ReplaceAll(page, "http://www.w3.org/2000/svg", "")
	require.NotRegexp(t, regexp.MustCompile(`(?i)https?://|\bsrc=|url\(|@import|fetch\(|XMLHttpRequest`), without)
}

// In Chromium it is drawn, clicked and used by keyboard, in light and dark, without
// a complaint or a request.
func TestThePageInChromium(t *testing.T) {
	modules := chromium.Needs(t)
	shots := os.Getenv("STRATA_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	folder := t.TempDir()
	require.NoError(t, made(t).Write(folder))
	url := "file://" + filepath.Join(folder, report.Page)
	cmd := exec.CommandContext(t.Context(), "node", "testdata/page.mjs", modules, url, shots)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	require.NoError(t, err, complaint.String())
	var got struct {
		Asked, Complaints []string
		Saw               struct {
			Cells, Theories                                      []string
			Paths, Rows                                          int
			Before, After, Clicked, Pressed, Slowest, Background string
		}
	}
	require.NoError(t, json.Unmarshal(out, &got))
	require.Empty(t, got.Complaints)
	for _, asked := range got.Asked {
		require.True(t, asked == url || strings.HasPrefix(asked, "data:"), "asked for %s", asked)
	}
	require.Len(t, got.Saw.Cells, 6, "three losses, two delays")
	require.Equal(t, 3, got.Saw.Paths, "a line for each loss")
	require.Equal(t, got.Saw.Cells[5], got.Saw.Clicked)
	require.Equal(t, got.Saw.Cells[0], got.Saw.Pressed)
	require.Contains(t, got.Saw.Before, "delay 10ms")
	require.Contains(t, got.Saw.After, "delay 100ms", "what was clicked is what the others show")
	require.Equal(t, []string{"latency", "one round trip"}, got.Saw.Theories)
	require.Equal(t, 1+6, got.Saw.Rows)
	require.Contains(t, got.Saw.Slowest, "strata lab ws-echo --delay")
	require.Contains(t, got.Saw.Slowest, "lost, until the timeout 300 ms")
	require.Contains(t, got.Saw.Slowest, "the second segment was <lost>")
	require.Equal(t, "rgb(20, 22, 26)", got.Saw.Background, "dark, at last")
	for _, scheme := range []string{"light", "dark"} {
		require.FileExists(t, filepath.Join(shots, fmt.Sprintf("report-%s.png", scheme)))
	}
}
