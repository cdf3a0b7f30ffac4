package inspect

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// seen is a server and a phone in real time, of which the server is inspected,
// with the wire between them; and the page's address.
type seen struct {
	t             *testing.T
	server, phone *stack.Host
	wire          *link.Wire
	rec           *Recorder
	page          *Server
	url           string
}

func watch(t *testing.T) *seen {
	s := &seen{t: t, rec: NewRecorder()}
	s.wire = link.NewWire(link.WireConfig{Name: "phone", Recorder: s.rec, NoOffload: true})
	s.server = stack.New(stack.Config{Name: "server", Recorder: s.rec, Detail: true})
	s.phone = stack.New(stack.Config{Name: "phone"})
	_, err := s.server.Attach(s.wire.A(), netip.MustParsePrefix("10.0.0.2/24"))
	require.NoError(t, err)
	_, err = s.phone.Attach(s.wire.B(), netip.MustParsePrefix("10.0.0.1/24"))
	require.NoError(t, err)
	s.page = New(Config{
		Title: "A test", Hosts: []*stack.Host{s.server}, Recorder: s.rec,
		Wires: []Wire{{Wire: s.wire, Name: "phone", A: "server", B: "phone"}},
	})
	ln, token, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	require.Empty(t, token, "on a loopback")
	s.url = URL(ln.Addr(), token)
	served := make(chan error, 1)
	go func() { served <- s.page.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, s.page.Close())
		require.NoError(t, <-served)
		s.phone.Close()
		s.server.Close()
		s.wire.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// ask sends a request and gives the answer's status and body.
func (s *seen) ask(method, path, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, string(b)
}

func get[T any](s *seen, path string) (v T) {
	s.t.Helper()
	status, body := s.ask("GET", path, "")
	require.Equal(s.t, http.StatusOK, status, body)
	require.NoError(s.t, json.Unmarshal([]byte(body), &v), body)
	return v
}

func (s *seen) post(path, body string) (w wire) {
	s.t.Helper()
	status, answer := s.ask("POST", path, body)
	require.Equal(s.t, http.StatusOK, status, answer)
	require.NoError(s.t, json.Unmarshal([]byte(answer), &w), answer)
	return w
}

// connect opens a connection from the phone.
func (s *seen) connect() (client, server net.Conn) {
	s.t.Helper()
	ln, err := tcp.Listen(s.server, "tcp", ":80")
	require.NoError(s.t, err)
	defer ln.Close()
	client, err = (&tcp.Dialer{Host: s.phone}).Dial("tcp", "10.0.0.2:80")
	require.NoError(s.t, err)
	server, err = ln.Accept()
	require.NoError(s.t, err)
	return client, server
}

// Every way of writing a shape, for one direction and for both, is on the wire
// when the request is answered.
func TestShape(t *testing.T) {
	s := watch(t)
	for _, tt := range []struct{ query, body, ab, ba string }{
		{"", "delay 80ms loss 2%", "delay 80ms loss 2%", "delay 80ms loss 2%"},
		{"?direction=ab", `{"delay":"10ms 1ms","limit":50}`, "delay 10ms 1ms limit 50", "delay 80ms loss 2%"},
		{"?direction=ba", `"rate 2mbit"`, "delay 10ms 1ms limit 50", "rate 2mbit"},
		{"?direction=both", "", "", ""},
		{"?direction=ab", " preset lte up\n", link.MustParseShape("preset lte up").String(), ""},
	} {
		w := s.post("api/wires/phone/shape"+tt.query, tt.body)
		require.Equal(t, tt.ab, w.Ways[0].Shape.Text)
		require.Equal(t, tt.ab, s.wire.AB().Shape().String())
		require.Equal(t, tt.ba, s.wire.BA().Shape().String())
	}
	told := get[map[string]struct {
		Text  string
		Words map[string]string
	}](s, "api/wires/phone/shape")
	require.Equal(t, s.wire.AB().Shape().String(), told["ab"].Text)
	require.NotEmpty(t, told["ab"].Words["delay"])
	require.Empty(t, told["ba"].Text)
}

// Whatever is asked wrongly has a status, one line that says what is wrong, and
// changes nothing.
func TestRefused(t *testing.T) {
	s := watch(t)
	s.post("api/wires/phone/shape", "delay 1ms")
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "api/wires/phone/shape", "delay banana", 400, `"banana"`},
		{"POST", "api/wires/phone/shape", `{"delay":"1ms"`, 400, "EOF"},
		{"POST", "api/wires/phone/shape", `{"delay":"1ms"} {}`, 400, "more than one"},
		{"POST", "api/wires/phone/shape", `{"delay":["1ms"]}`, 400, "expected a string"},
		{"POST", "api/wires/phone/shape", `"delay 1ms`, 400, "EOF"},
		{"POST", "api/wires/phone/shape", strings.Repeat("x", maxBody+1), 413, "longer than 65536"},
		{"POST", "api/wires/phone/shape?direction=up", "", 400, "must be ab (server to phone)"},
		{"POST", "api/wires/tablet/shape", "", 404, "but phone"},
		{"POST", "api/wires/phone/explode", "", 404, "no such thing"},
		{"GET", "api/wires/phone/down", "", 405, "must be POST"},
		{"DELETE", "api/wires/phone/shape", "", 405, "must be GET or POST"},
		{"POST", "api/state", "", 405, "must be GET"},
		{"GET", "api/events?since=-1", "", 400, "since"},
		{"GET", "api/events?wait=11", "", 400, "from 0 to 10"},
		{"GET", "api/events?of=none", "", 400, "all or ladder"},
		{"GET", "api/connections?limit=x", "", 400, "limit"},
		{"GET", "assets/none.js", "", 404, "no such thing"},
		{"GET", "assets/..%2fapi.go", "", 404, "no such thing"},
		{"GET", "nowhere", "", 404, "no such thing"},

		// Files: what is in them might come back in the error.
		{"POST", "api/wires/phone/shape", "trace /etc/passwd", 400, "not read"},
		{"POST", "api/wires/phone/shape", "TRACE /etc/passwd", 400, "not read"},
		{"POST", "api/wires/phone/shape", "delay 1ms 1ms distribution /etc/passwd", 400, "not read"},
		{"POST", "api/wires/phone/shape", "delay 1ms 1ms distribution \"/etc/passwd\"", 400, "not read"},
		{"POST", "api/wires/phone/shape", `{"trace":"/etc/passwd"}`, 400, "not read"},
		{"POST", "api/wires/phone/shape", `{"\u0074race":"/etc/passwd"}`, 400, "not read"},
		{"POST", "api/wires/phone/shape", `{"delay":"1ms 1ms distribution /etc/passwd"}`, 400, "not read"},
		{"POST", "api/wires/phone/shape", `"trace /etc/passwd"`, 400, "not read"},
	} {
		status, body := s.ask(tt.method, tt.path, tt.body)
		var answer struct{ Error string }
		require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
		require.Equal(t, tt.status, status, "%s %s %.40q: %s", tt.method, tt.path, tt.body, body)
		require.Contains(t, answer.Error, tt.says)
		require.NotContains(t, answer.Error, "\n")
		require.NotContains(t, answer.Error, "root:")
		require.Equal(t, "delay 1ms", s.wire.AB().Shape().String())
	}
	// A key that is given twice cannot say one thing to who checks and another to
	// who reads.
	w := s.post("api/wires/phone/shape", `{"delay":"1ms 1ms distribution /etc/passwd","delay":"7ms"}`)
	require.Equal(t, "delay 7ms", w.Ways[0].Shape.Text)
}

// The buttons: what they do is on the wire, in the answer and in the state; up is
// the end of it.
func TestBlackholeDownUp(t *testing.T) {
	s := watch(t)
	ping := func(patience time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := s.phone.Ping(ctx, netip.MustParseAddr("10.0.0.2"))
		return err
	}
	require.NoError(t, ping(time.Minute))
	for _, tt := range []struct {
		verb    string
		dropped func(link.Counters) uint64
	}{
		{"blackhole", func(c link.Counters) uint64 { return c.DroppedBlackhole }},
		{"down", func(c link.Counters) uint64 { return c.DroppedDown }},
	} {
		require.Equal(t, tt.verb, s.post("api/wires/phone/"+tt.verb+"?direction=ba", "").Ways[1].State)
		now := get[state](s, "api/state").Wires[0]
		require.Equal(t, "up", now.Ways[0].State, "the other direction")
		require.Error(t, ping(100*time.Millisecond))
		require.Positive(t, tt.dropped(s.wire.BA().Counters()))
		require.Equal(t, "up", s.post("api/wires/phone/up", "").Ways[1].State)
		require.NoError(t, ping(time.Minute))
	}
}

// The next SYN-ACK is lost, the one after it is not, and then no rule is left that
// looks at packets.
func TestDropNextSYNACK(t *testing.T) {
	s := watch(t)
	require.Equal(t, 1, s.post("api/wires/phone/drop-next-syn-ack?direction=ab", "").Drops)
	client, server := s.connect()
	defer client.Close()
	defer server.Close()
	w := get[state](s, "api/state").Wires[0]
	require.Zero(t, w.Drops)
	require.EqualValues(t, 1, w.Ways[0].Counters.DroppedRule)
	for range maxDrops {
		s.post("api/wires/phone/drop-next-syn-ack", "")
	}
	status, body := s.ask("POST", "api/wires/phone/drop-next-syn-ack", "")
	require.Equal(t, http.StatusConflict, status, body)
}

// Connections are those of Netstat, with what listens left out, and bounded.
func TestConnections(t *testing.T) {
	s := watch(t)
	client, server := s.connect()
	defer client.Close()
	defer server.Close()
	_, err := server.Write([]byte("hello"))
	require.NoError(t, err)
	told := get[connections](s, "api/connections?limit=1")
	require.Equal(t, 1, told.Total)
	c := told.Connections[0]
	require.Equal(t, "10.0.0.2:80", c.Local)
	require.Equal(t, client.LocalAddr().String(), c.Remote)
	require.Equal(t, "ESTABLISHED", c.State)
	require.EqualValues(t, 5, c.BytesSent)
	require.Positive(t, c.Cwnd)
	require.EqualValues(t, 1, get[state](s, "api/state").Hosts[0].Established)
}

type events struct {
	Events []struct {
		Number uint64
		Text   string
		Event  struct{ Kind string }
	}
	Next, Lost, LeftOut uint64
}

// Who waits for events is answered by the first; asking again from "next" on
// gives each once. A ladder has no passages that arrived and no details.
func TestEvents(t *testing.T) {
	s := watch(t)
	first := get[events](s, "api/events")
	require.Empty(t, first.Events, "nobody has looked until now")
	waited := make(chan events)
	go func() { waited <- get[events](s, "api/events?of=ladder&wait=10") }()
	for {
		_, err := s.phone.Ping(context.Background(), netip.MustParseAddr("10.0.0.2"))
		require.NoError(t, err)
		select {
		case got := <-waited:
			require.Equal(t, "datagram", got.Events[0].Event.Kind)
			require.Contains(t, got.Events[0].Text, "echo request")
			rest := get[events](s, "api/events?since=0")
			kinds := map[string]bool{}
			for i, e := range rest.Events {
				kinds[e.Event.Kind] = true
				require.EqualValues(t, i, e.Number)
			}
			require.True(t, kinds["passage"], "all there is, where nothing is said")
			require.Empty(t, get[events](s, "api/events?since=1000000").Events, "a number of another run")
			return
		default:
		}
	}
}

// More than a few do not wait at a time, and Close answers those who do.
func TestWaiting(t *testing.T) {
	s := watch(t)
	answers := make(chan int, maxWaiting)
	for range maxWaiting {
		go func() {
			status, _ := s.ask("GET", "api/events?wait=10", "")
			answers <- status
		}()
	}
	require.Eventually(t, func() bool { return len(s.page.waiting) == maxWaiting }, 10*time.Second, time.Millisecond)
	status, body := s.ask("GET", "api/events?wait=10", "")
	require.Equal(t, http.StatusServiceUnavailable, status, body)
	s.rec.Record(trace.Event{At: time.Now(), What: trace.ARP{}})
	for range maxWaiting {
		require.Equal(t, http.StatusOK, <-answers)
	}
	waits := make(chan int)
	go func() {
		status, _ := s.ask("GET", "api/events?wait=10&since=1", "")
		waits <- status
	}()
	require.Eventually(t, func() bool { return len(s.page.waiting) == 1 }, 10*time.Second, time.Millisecond)
	go s.page.Close()
	require.Equal(t, http.StatusOK, <-waits, "what there is until then")
}

// The page and all that belongs to it is there, and the timeline is a page of its
// own.
func TestPages(t *testing.T) {
	s := watch(t)
	_, page := s.ask("GET", "", "")
	require.Contains(t, page, "assets/main.js")
	files, err := assets.ReadDir("assets")
	require.NoError(t, err)
	for _, f := range files {
		resp, err := http.Get(s.url + "assets/" + f.Name())
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.NotEmpty(t, resp.Header.Get("Content-Type"))
		require.Contains(t, resp.Header.Get("Content-Security-Policy"), "script-src 'self'")
		require.NotContains(t, resp.Header.Get("Content-Security-Policy"), "unsafe")
	}
	status, timeline := s.ask("GET", "timeline.html", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, timeline, "<title>A test</title>")
	require.Empty(t, get[struct{ Messages []message }](s, "api/messages").Messages)
}
