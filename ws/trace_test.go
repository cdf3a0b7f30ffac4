package ws_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
	"strata/ws"
)

// recording keeps what it is told, in order.
type recording struct {
	mu     sync.Mutex
	events []trace.Event
}

func (r *recording) Record(e trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// lines is the events as a person reads them.
func (r *recording) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, e := range r.events {
		lines = append(lines, e.Host+" "+e.Dir.String()+" "+e.What.String())
	}
	return lines
}

// zeroes makes the key and the masks known.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Both ends tell the same conversation, each from its side.
func TestTrace(t *testing.T) {
	start := time.Now()
	clock := func() time.Time { return time.Now().Add(time.Hour) } // not the system's
	var server, client recording
	served := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		c, err := ws.Accept(w, r, &ws.AcceptOptions{Recorder: &server, Host: "server", Now: clock})
		if err == nil {
			echo(c)
		}
	})
	c, _, err := ws.Dial(t.Context(), url+"/echo?a=b", &ws.DialOptions{Recorder: &client, Host: "client", Rand: zeroes{}, Now: clock})
	require.NoError(t, err)
	flow := trace.FlowOf(c.LocalAddr(), c.RemoteAddr())
	ctx := t.Context()
	for _, m := range []string{"hello", "a text that is longer than its preview, ééééé", ""} {
		require.NoError(t, c.Write(ctx, ws.MessageText, []byte(m)))
		_, _, err = c.Read(ctx)
		require.NoError(t, err)
	}
	require.NoError(t, c.Write(ctx, ws.MessageBinary, []byte("secret")))
	_, _, err = c.Read(ctx)
	require.NoError(t, err)
	require.NoError(t, c.Close(1001, "bye"))
	<-served

	require.Equal(t, []string{
		"client out GET /echo?a=b upgrade=websocket key=AAAAAAAAAAAAAAAAAAAAAA==",
		"client in HTTP 101 upgrade=websocket key=ICX+Yqv66kxgM0FcWaLWlFLwTAI=",
		`client out ws text fin masked len=5 "hello"`,
		`client in ws text fin len=5 "hello"`,
		`client out ws text fin masked len=50 "a text that is longer than its p"`,
		`client in ws text fin len=50 "a text that is longer than its p"`,
		"client out ws text fin masked len=0",
		"client in ws text fin len=0",
		"client out ws binary fin masked len=6",
		"client in ws binary fin len=6",
		`client out ws close fin masked len=5 code=1001 "bye"`,
		"client in ws close fin len=2 code=1001",
	}, client.lines())
	require.Equal(t, []string{
		"server in GET /echo?a=b upgrade=websocket key=AAAAAAAAAAAAAAAAAAAAAA==",
		"server out HTTP 101 upgrade=websocket key=ICX+Yqv66kxgM0FcWaLWlFLwTAI=",
		`server in ws text fin masked len=5 "hello"`,
		`server out ws text fin len=5 "hello"`,
	}, server.lines()[:4])
	require.Len(t, server.lines(), len(client.lines()))
	for _, e := range client.events {
		require.Equal(t, flow, e.Flow)
		require.Greater(t, e.At.Sub(start), 59*time.Minute)
	}
	for _, e := range server.events {
		require.Equal(t, flow.Reverse(), e.Flow)
	}
}
