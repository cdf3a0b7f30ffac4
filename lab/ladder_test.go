package lab_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/tcp"
)

// ladder notes each segment that a wire is given, also what the rules behind it
// drop: "1.05s < SYN-ACK again" was sent by the B end 1.05 s after the ladder
// began, exactly. What the A end sends has a >.
type ladder struct {
	w     *lab.World
	mu    sync.Mutex
	since time.Duration
	lines []string
}

func watch(w *lab.World, wire *lab.Wire) *ladder {
	l := &ladder{w: w, since: w.Elapsed()}
	wire.Rule(func(v *link.View) link.Verdict {
		l.mu.Lock()
		defer l.mu.Unlock()
		arrow := "<"
		if v.FromA {
			arrow = ">"
		}
		l.lines = append(l.lines, fmt.Sprintf("%v %s %s", w.Elapsed()-l.since, arrow, segment(v)))
		return link.Pass
	})
	return l
}

// segment names a TCP segment. Data says where in the stream it begins, and its
// length.
func segment(v *link.View) string {
	what := "ACK"
	switch {
	case v.TCP == nil:
		return "other"
	case link.SYN(v):
		what = "SYN"
	case link.SYNACK(v):
		what = "SYN-ACK"
	case link.RST(v):
		what = "RST"
	case link.FIN(v):
		what = "FIN"
	case link.Data(v):
		what = fmt.Sprintf("data %d+%d", v.Stream.Offset, v.PayloadLen)
	}
	if link.Retransmission(v) {
		what += " again"
	}
	return what
}

// restart forgets the lines, and counts time from now.
func (l *ladder) restart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines, l.since = nil, l.w.Elapsed()
}

// is compares the lines with those of story.
func (l *ladder) is(t *testing.T, story string) {
	t.Helper()
	var want []string
	for line := range strings.Lines(story) {
		if line = strings.TrimSpace(line); line != "" {
			want = append(want, line)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Equal(t, want, l.lines)
}

// pair is a phone that dials a server over a wire of 50 ms each way, with
// nothing else on it: no keepalive that was not asked for.
type pair struct {
	*ladder
	w             *lab.World
	phone, server *lab.Host
	wire          *lab.Wire
	listener      *tcp.Listener
}

// readBuffer is that of the server's connections, bytes; 0 adapts.
func newPair(t *testing.T, w *lab.World, readBuffer int) *pair {
	p := &pair{w: w, phone: w.Host("phone"), server: w.Host("server")}
	p.wire = w.Connect(p.phone, p.server, link.MustParseShape("delay 50ms"))
	p.ladder = watch(w, p.wire)
	for _, h := range []*lab.Host{p.phone, p.server} {
		h.SetAckDelay(0) // the stories are of other things
	}
	config := tcp.ListenConfig{Host: p.server.Host, KeepAlive: -1, ReadBuffer: readBuffer}
	ln, err := config.Listen(w.Context(), "tcp", ":80")
	require.NoError(t, err)
	p.listener = ln
	return p
}

// dial opens a connection, and gives how long that took the client and the
// server.
func (p *pair) dial(t *testing.T) (client, server *tcp.Conn, dialled, accepted time.Duration) {
	begin := p.w.Elapsed()
	done := make(chan struct{})
	p.w.Go(func() {
		defer close(done)
		c, err := (&tcp.Dialer{Host: p.phone.Host, KeepAlive: -1}).DialContext(p.w.Context(), "tcp", "server:80")
		dialled = p.w.Elapsed() - begin
		if err != nil {
			t.Error(err)
			return
		}
		client = c.(*tcp.Conn)
	})
	server, err := p.listener.AcceptTCP()
	require.NoError(t, err)
	accepted = p.w.Elapsed() - begin
	<-done
	require.NotNil(t, client)
	return client, server, dialled, accepted
}

// open opens a connection, waits until nothing of that is under way, and begins
// the ladder anew.
func (p *pair) open(t *testing.T) (client, server *tcp.Conn) {
	client, server, _, _ = p.dial(t)
	p.w.Sleep(time.Second)
	p.restart()
	return client, server
}
