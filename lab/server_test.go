package lab_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/ws"
)

// A hundred servers at once in one test binary, with and without TLS, each with
// three clients: no ports to run out of, and no state that they share.
func TestHundredServersInParallel(t *testing.T) {
	servers := 100
	if race {
		servers = 20
	}
	before := runtime.NumGoroutine()
	t.Run("all", func(t *testing.T) {
		for i := range servers {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, i, " ", r.Proto) })
				s, proto := lab.NewServer(t, handler), "HTTP/1.1"
				if i%2 == 1 {
					s, proto = lab.NewTLSServer(t, handler), "HTTP/2.0"
				}
				for range 3 {
					resp, err := s.Client().Get(s.URL)
					require.NoError(t, err)
					body, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					require.NoError(t, resp.Body.Close())
					require.Equal(t, fmt.Sprint(i, " ", proto), string(body))
				}
			})
		}
	})
	// They leave nothing behind; what was asked to end may need a moment.
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// The wire of a server is any wire: slow here, and with a rule.
func TestServerOnABadWire(t *testing.T) {
	s := lab.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		typ, p, err := c.Read(r.Context())
		if err == nil {
			c.Write(r.Context(), typ, p)
		}
		c.Read(r.Context()) // the closing handshake
	}), link.MustParseShape("delay 20ms"))
	s.Wire.Rule(link.DropNth(2, link.Data))
	start := time.Now()
	c, _, err := ws.Dial(t.Context(), "ws"+s.URL[len("http"):], &ws.DialOptions{DialContext: s.DialContext})
	require.NoError(t, err)
	require.NoError(t, c.Write(t.Context(), ws.MessageText, []byte("hello")))
	_, p, err := c.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hello", string(p))
	require.NoError(t, c.Close(ws.StatusNormalClosure, ""))
	// Three round trips at least: TCP's handshake, HTTP's, and the echo.
	require.GreaterOrEqual(t, time.Since(start), 120*time.Millisecond)
	counters := s.Wire.BA().Counters()
	require.EqualValues(t, 1, counters.DroppedRule, "the answer to the upgrade is the second segment with data")
}

// Other names than the server's are not known to its clients.
func TestServerIsTheOnlyName(t *testing.T) {
	s := lab.NewServer(t, http.NotFoundHandler())
	_, err := s.Client().Get("http://elsewhere.test/")
	require.ErrorContains(t, err, "only server.test is known here")
}
