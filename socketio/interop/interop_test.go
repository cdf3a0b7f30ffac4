package interop_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
	"strata/socketio/interop/checklist"
	"strata/socketio/parser"
	"strata/socketio/parser/msgpack"
)

// patience bounds every wait of these tests for what has to happen.
const patience = 20 * time.Second

// need skips the test, or with CI fails it, where Node or its packages are
// missing.
func need(t *testing.T) {
	t.Helper()
	why := ""
	if _, err := exec.LookPath("node"); err != nil {
		why = err.Error()
	} else if _, err := os.Stat("node_modules/socket.io-client"); err != nil {
		why = "the packages are missing: run npm ci --prefix socketio/interop --ignore-scripts"
	}
	if why == "" {
		return
	}
	if os.Getenv("CI") != "" {
		require.FailNow(t, why)
	}
	t.Skip(why)
}

func withDeadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

var formats = map[string]parser.Format{"default": parser.Default, "msgpack": msgpack.Format}

// server is ours on the loopback, with what the clients ask for.
func server(t *testing.T, opts *socketio.Options) string {
	io := checklist.Server(opts)
	hs := httptest.NewServer(io)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, io.Close(ctx))
		hs.Close()
	})
	return hs.URL
}

// checks runs a Node program whose lines say what worked, and what did not.
func checks(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	checks, err := checklist.Read(out)
	require.NoError(t, err)
	for _, check := range checks {
		t.Run(check.Name, func(t *testing.T) { require.Empty(t, check.Error) })
	}
}

// The official client against our server: every feature that has two sides,
// with both formats, over each transport and with the change between them, with
// and without recovery.
func TestOfficialClient(t *testing.T) {
	need(t)
	for _, c := range checklist.Combinations {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			checks(t, append([]string{"client.cjs", server(t, c.Options())}, c.Args()...)...)
		})
	}
}

// official starts the official server and gives its URL.
func official(t *testing.T, args ...string) string {
	cmd := exec.Command("node", append([]string{"server.cjs"}, args...)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

func ask(t *testing.T, s *client.Socket, event string, args []any, into ...any) {
	t.Helper()
	answer, err := s.EmitWithAck(withDeadline(t), event, args...)
	require.NoError(t, err)
	require.NoError(t, answer.Decode(into...))
}

// Our client against the official server.
func TestOfficialServer(t *testing.T) {
	need(t)
	for name, format := range formats {
		for _, transports := range [][]engineio.Transport{{engineio.WebSocket}, {engineio.Polling}, {engineio.Polling, engineio.WebSocket}} {
			t.Run(fmt.Sprint(name, transports), func(t *testing.T) {
				t.Parallel()
				url := official(t, name, "recovery")
				jar, err := cookiejar.New(nil)
				require.NoError(t, err)
				opts := &client.Options{Parser: format, Transports: transports, Jar: jar, ReconnectionDelay: 10 * time.Millisecond}
				open := func(nsp string, o client.Options) *client.Socket {
					o.Parser, o.Transports, o.Jar, o.ReconnectionDelay = opts.Parser, opts.Transports, opts.Jar, opts.ReconnectionDelay
					s, err := client.Dial(withDeadline(t), url+nsp, &o)
					require.NoError(t, err)
					t.Cleanup(func() { s.Close() })
					return s
				}
				s := open("/", client.Options{})

				var n int
				var b []byte
				var m map[string]any
				ask(t, s, "echo", []any{1, []byte{0, 255}, map[string]any{"list": []any{[]byte{7}}, "html": "<&>ü"}}, &n, &b, &m)
				require.Equal(t, 1, n)
				require.Equal(t, []byte{0, 255}, b)
				require.Equal(t, map[string]any{"list": []any{[]byte{7}}, "html": "<&>ü"}, m)

				s.On("question", func(n int) int { return n * 7 })
				ask(t, s, "ask me", []any{6}, &n)
				require.Equal(t, 42, n)

				got := make(chan int, 1000)
				s.On("n", func(n int) { got <- n })
				for i := range 1000 {
					require.NoError(t, s.Emit("n", i))
				}
				for i := range 1000 {
					select {
					case n := <-got:
						require.Equal(t, i, n)
					case <-time.After(patience):
						require.FailNow(t, "no echo")
					}
				}

				var names []string
				s.On("who", func() string { return "me" })
				ask(t, s, "join", []any{"room"})
				ask(t, s, "poll room", []any{"room"}, &names)
				require.Equal(t, []string{"me"}, names)

				retrying := open("/", client.Options{Retries: 50, AckTimeout: 100 * time.Millisecond})
				for i := range 3 {
					ask(t, retrying, "flaky", []any{i}, &n)
					require.Equal(t, i, n)
				}

				_, err = client.Dial(withDeadline(t), url+"/guarded", opts)
				var refused *client.ConnectError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, "not you", refused.Message)
				require.JSONEq(t, `{"code":7}`, string(refused.Data))
				open("/guarded", client.Options{Auth: map[string]string{"token": "right"}})
				_, err = client.Dial(withDeadline(t), url+"/unknown", opts)
				require.ErrorContains(t, err, "Invalid namespace")
				ask(t, open("/dyn-5", client.Options{}), "where", nil, &names[0])
				require.Equal(t, "/dyn-5", names[0])

				if len(transports) == 2 {
					require.Eventually(t, func() bool { return s.Manager().Engine().Transport() == engineio.WebSocket }, patience, time.Millisecond)
				}
				if transports[0] == engineio.Polling {
					var cookie string
					ask(t, open("/", client.Options{}), "cookie", nil, &cookie)
					require.Contains(t, cookie, "sticky=")
				}

				// Recovery, once something was received.
				id := s.ID()
				received := make(chan int, 16)
				s.On("m", func(n int) { received <- n })
				ask(t, s, "send m", []any{2})
				back := make(chan bool, 1)
				s.OnConnect(func() { back <- s.Recovered() })
				s.On("cut", func() {})
				require.NoError(t, s.Emit("cut"))
				select {
				case recovered := <-back:
					require.True(t, recovered)
				case <-time.After(patience):
					require.FailNow(t, "no reconnection")
				}
				require.Equal(t, id, s.ID())
				ask(t, s, "send m", []any{1})
				require.Equal(t, []int{0, 1, 0}, []int{<-received, <-received, <-received})

				reasons := make(chan string, 1)
				s.OnDisconnect(func(reason string) { reasons <- reason })
				require.NoError(t, s.Emit("kick me", false))
				require.Equal(t, client.ReasonServerDisconnect, <-reasons)
			})
		}
	}
}
