package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/ws"
)

// need skips the test where something is missing, and says how to get it; where
// CI is set nothing may be missing, and it fails.
func need(t *testing.T, missing func() error) {
	t.Helper()
	err := missing()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		require.NoError(t, err)
	default:
		t.Skip(err)
	}
}

func nodePackages() error {
	if _, err := exec.LookPath("node"); err != nil {
		return fmt.Errorf("%w: run netns-tests/setup.sh as root", err)
	}
	if _, err := os.Stat("js/node_modules/ws"); err != nil {
		return fmt.Errorf("%w: run npm ci --prefix ws/interop/js --ignore-scripts", err)
	}
	return nil
}

func chromium() error {
	if err := nodePackages(); err != nil {
		return err
	}
	if os.Getenv("STRATA_CHROMIUM") != "" {
		return nil
	}
	if _, err := os.Stat("/usr/bin/chromium"); err != nil {
		return fmt.Errorf("%w: run netns-tests/setup.sh as root, or set STRATA_CHROMIUM", err)
	}
	return nil
}

// python is Debian's, which has Debian's packages; another may come before it in
// the path.
const python = "/usr/bin/python3"

func pythonPackages() error {
	if out, err := exec.Command(python, "-c", "import websockets").CombinedOutput(); err != nil {
		return fmt.Errorf("python3-websockets: %w %s: run netns-tests/setup.sh as root", err, out)
	}
	return nil
}

// program is a command that ends with the test at the latest.
func program(t *testing.T, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	return cmd
}

// story is what a client says when all of its story went well.
type story struct{ Extensions string }

// run runs clients of another language, each of which says a line.
func run(t *testing.T, args ...string) (told []story) {
	t.Helper()
	out, err := program(t, args...).Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		var s story
		require.NoError(t, json.Unmarshal([]byte(line), &s), line)
		told = append(told, s)
	}
	return told
}

// tells runs a client of another language at a server of ours, and says what was
// agreed on.
func tells(t *testing.T, s *server, args ...string) (extensions string) {
	t.Helper()
	told := run(t, args...)
	require.Len(t, told, 1)
	requireEnds(t, s)
	return told[0].Extensions
}

// requireEnds says that the story's two connections ended as they should for the
// server, too.
func requireEnds(t *testing.T, s *server) {
	t.Helper()
	requireAnswered(t, waitFor(t, s.ends), lacks{})
	require.Equal(t, byClient, waitFor(t, s.ends))
}

// listens starts a server of another language.
func listens(t *testing.T, args ...string) (url string, ends <-chan error) {
	t.Helper()
	cmd := program(t, args...)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			lines <- append([]byte{}, s.Bytes()...)
		}
	}()
	closes := make(chan error, 16)
	t.Cleanup(func() {
		stdin.Close()
		for range closes { // what nobody asked for
		}
		require.NoError(t, cmd.Wait())
	})
	port := make(chan int, 1)
	go func() {
		defer close(closes)
		var first struct{ Port int }
		if json.Unmarshal(<-lines, &first) != nil {
			return
		}
		port <- first.Port
		for line := range lines {
			var end closed
			if err := json.Unmarshal(line, &end); err != nil {
				closes <- fmt.Errorf("%w: %s", err, line)
			} else {
				closes <- end
			}
		}
	}()
	select {
	case p := <-port:
		return fmt.Sprintf("ws://127.0.0.1:%d/", p), closes
	case <-time.After(patience):
		require.FailNow(t, "the server does not say where it listens")
		return "", nil
	}
}

// visit has our client tell its story to a server of another language.
func visit(t *testing.T, url string, ends <-chan error, compress *ws.Compression) (extensions string, f *frames) {
	t.Helper()
	c, resp, f := dialOurs(t, url, compress)
	tell(t, c, lacks{})
	requireAnswered(t, waitFor(t, ends), lacks{})
	c, _, _ = dialOurs(t, url, compress)
	require.NoError(t, c.close(byClient.Code, byClient.Reason))
	require.Equal(t, byClient, waitFor(t, ends))
	return resp.Header.Get("Sec-WebSocket-Extensions"), f
}

// agreement is what is asked of both sides, and what comes of it.
type agreement struct {
	name   string
	theirs string // the other's options, as JSON; empty: it does not compress
	ours   *ws.Compression
	want   string // what the header says; empty: no compression
}

var (
	takeover = &ws.Compression{Threshold: -1}
	nothing  = &ws.Compression{Threshold: -1, ServerNoContextTakeover: true, ClientNoContextTakeover: true}
	small    = &ws.Compression{Threshold: -1, ServerMaxWindowBits: 10, ClientMaxWindowBits: 9}
)

// requireAgreed compares the header with what was expected, and that with what
// happened.
func requireAgreed(t *testing.T, want, extensions string, f *frames) {
	t.Helper()
	require.ElementsMatch(t, parameters(want), parameters(extensions), extensions)
	if want == "" {
		require.Zero(t, f.in.Load()+f.out.Load(), "compressed without agreement")
		return
	}
	require.Positive(t, f.in.Load(), "compressed messages from the peer")
	require.Positive(t, f.out.Load(), "compressed messages to the peer")
}

func parameters(extension string) (all []string) {
	for p := range strings.SplitSeq(extension, ";") {
		all = append(all, strings.TrimSpace(p))
	}
	return all
}

// pages are what Chromium loads before it speaks to us.
func pages() http.Handler {
	types := map[string]string{"/": "text/html", "/story.mjs": "text/javascript"}
	files := http.FileServer(http.Dir("js"))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if types[r.URL.Path] == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", types[r.URL.Path])
		files.ServeHTTP(w, r)
	})
}
