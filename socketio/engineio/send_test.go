package engineio

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
	"strata/ws"
)

// paper is a carrier that notes what is written to it, a line a write: what was
// tried and what was waited for. full is a client that does not read: nothing can
// be tried, and a write that waits goes on when full is false again.
type paper struct {
	mu     sync.Mutex
	reads  *sync.Cond
	full   bool
	broken error
	lines  []string
}

var _ carrier = (*paper)(nil)

func newPaper() *paper {
	p := &paper{}
	p.reads = sync.NewCond(&p.mu)
	return p
}

func (p *paper) note(how string, packets ...Outgoing) {
	for _, o := range packets {
		how += " " + string(o.wire[1:])
	}
	p.lines = append(p.lines, how)
}

// taken is what was written since it was last asked.
func (p *paper) taken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := strings.Join(p.lines, "; ")
	p.lines = nil
	return all
}

// set has the client read, or not.
func (p *paper) set(full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = full
	p.reads.Broadcast()
}

func (p *paper) tryWrite(o Outgoing) (bool, error) { return p.tryBatch([]Outgoing{o}) == 1, p.broken }

func (p *paper) tryBatch(packets []Outgoing) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full || p.broken != nil || len(packets) == 0 {
		return 0
	}
	p.note("tried", packets...)
	return len(packets)
}

func (p *paper) write(o Outgoing) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.full {
		p.reads.Wait()
	}
	if p.broken == nil {
		p.note("waited for", o)
	}
	return p.broken
}

func (p *paper) batch(f func() error) error { return f() }
func (p *paper) transport() Transport       { return WebSocket }
func (p *paper) read(ctx context.Context) (packet, error) {
	return packet{}, errors.New("nothing is read")
}
func (p *paper) close(ws.StatusCode)             {}
func (p *paper) closeNow()                       {}
func (p *paper) handle(*Session, trace.Flow)     {}
func (p *paper) addrs() (local, remote net.Addr) { return nil, nil }

type ignore struct{ closed chan Reason }

func (ignore) Message(Message)                 {}
func (i ignore) Closed(reason Reason, _ error) { i.closed <- reason }

// onPaper runs a test, in virtual time, of a session that writes to paper. What
// opened it is written already.
func onPaper(t *testing.T, opts *Options, test func(t *testing.T, s *Session, p *paper)) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan Reason, 1)
		server := NewServer(opts, func(*Session) Handler { return ignore{closed} })
		p := newPaper()
		s, err := server.openOn(p, httptest.NewRequest(http.MethodGet, "/", nil), query{version: "4"})
		require.NoError(t, err)
		s.sayNow()
		s.accept()
		require.Contains(t, p.taken(), "waited for {") // the open packet
		test(t, s, p)
		s.end(TransportClose, nil)
		<-closed
		synctest.Wait()
	})
}

func say(t *testing.T, s *Session, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.NoError(t, s.Send(TextMessage([]byte(text))))
	}
}

// The first message of a burst leaves before Send returns. Those that follow within
// 200 µs of it wait for each other, and a goroutine sends them; after that time one
// leaves at once again, and after a message from the client, whose answer it may be,
// also within it.
func TestFirstOfABurstLeavesAtOnce(t *testing.T) {
	onPaper(t, nil, func(t *testing.T, s *Session, p *paper) {
		say(t, s, "a")
		require.Equal(t, "tried a", p.taken())
		say(t, s, "b", "c")
		synctest.Wait()
		require.Equal(t, "waited for b; waited for c", p.taken())

		time.Sleep(burst - time.Nanosecond)
		say(t, s, "d")
		synctest.Wait()
		require.Equal(t, "waited for d", p.taken(), "still of the burst")
		time.Sleep(time.Nanosecond)
		say(t, s, "e")
		require.Equal(t, "tried e", p.taken())

		s.receive(packet{typ: packetMessage}, trace.Flow{})
		say(t, s, "f")
		require.Equal(t, "tried f", p.taken())
	})
}

// A client does not read: what cannot leave at once is waited for by a goroutine,
// and what is sent meanwhile stays behind it. When the client reads it gets all of
// it in order, and then messages leave at once again.
func TestWhatCannotLeaveAtOnceKeepsItsPlace(t *testing.T) {
	onPaper(t, nil, func(t *testing.T, s *Session, p *paper) {
		p.set(true)
		say(t, s, "a")
		time.Sleep(burst)
		say(t, s, "b")
		require.NoError(t, s.Post(TextMessage([]byte("c"))))
		s.Cork()
		say(t, s, "d")
		s.Uncork()
		synctest.Wait()
		require.Empty(t, p.taken())
		packets, _ := s.Waiting()
		require.Equal(t, 4, packets)
		require.False(t, s.SendVolatile(TextMessage([]byte("volatile"))))
		p.set(false)
		synctest.Wait()
		require.Equal(t, "waited for a; waited for b; waited for c; waited for d", p.taken())
		say(t, s, "e")
		require.Equal(t, "tried e", p.taken())
	})
}

// The error of a message that was to leave at once ends the session as the error of
// any other does.
func TestErrorOfWhatLeavesAtOnceEndsTheSession(t *testing.T) {
	onPaper(t, nil, func(t *testing.T, s *Session, p *paper) {
		p.broken = errors.New("the wire is cut")
		say(t, s, "a")
		synctest.Wait()
		require.ErrorIs(t, s.Send(TextMessage([]byte("b"))), ErrClosed)
		require.ErrorIs(t, s.endErr, p.broken)
	})
}

// What is sent to a corked session leaves together, when the last cork is drawn. The
// limits of what may wait for a slow client do not count for a client that is not
// asked, and a volatile message is not dropped behind what could leave.
func TestCorkedSessionSendsTogether(t *testing.T) {
	onPaper(t, &Options{SendPackets: 3}, func(t *testing.T, s *Session, p *paper) {
		s.Cork()
		s.Cork()
		say(t, s, "a", "b")
		s.Uncork()
		synctest.Wait()
		require.Empty(t, p.taken())
		s.Uncork()
		require.Equal(t, "tried a b", p.taken())

		s.Cork()
		say(t, s, "c", "d", "e", "f")
		require.True(t, s.SendVolatile(TextMessage([]byte("volatile"))))
		s.Uncork()
		require.Equal(t, "tried c d e; tried f; tried volatile", p.taken())
		s.Cork()
		s.Uncork()
		require.Empty(t, p.taken(), "nothing is to leave")
	})
}

// Whoever corked a session waits: after a millisecond what is there leaves. And 64
// packets, or 32 KiB, do not wait for more.
func TestCorkedSessionHoldsLittleAndNotForLong(t *testing.T) {
	onPaper(t, nil, func(t *testing.T, s *Session, p *paper) {
		s.Cork()
		defer s.Uncork()
		say(t, s, "a")
		time.Sleep(corkTime / 2)
		say(t, s, "b")
		time.Sleep(corkTime/2 - time.Nanosecond)
		synctest.Wait()
		require.Empty(t, p.taken())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, "tried a b", p.taken())

		for range corkPackets {
			say(t, s, "x")
		}
		require.Equal(t, "tried"+strings.Repeat(" x", corkPackets), p.taken())
		large := strings.Repeat("y", corkBytes)
		say(t, s, large)
		require.Equal(t, "tried "+large, p.taken())
	})
}

// What is posted leaves without its sender: what was posted before anybody had time
// to write leaves in one write, and something that is sent directly takes what was
// posted before along.
func TestWhatIsPostedLeavesTogether(t *testing.T) {
	onPaper(t, nil, func(t *testing.T, s *Session, p *paper) {
		post := func(text string) { require.NoError(t, s.Post(TextMessage([]byte(text)))) }
		post("alone")
		synctest.Wait()
		require.Equal(t, "tried alone", p.taken())

		o := &s.server.outbox
		o.mu.Lock()
		o.writers = runtime.GOMAXPROCS(0) + 1 // all of them are busy elsewhere, and one does not know
		o.mu.Unlock()
		post("a")
		post("b")
		require.Empty(t, p.taken())
		say(t, s, "c")
		require.Equal(t, "tried a b c", p.taken())
		post("d")
		post("e")
		require.Len(t, o.sessions, 1, "however often something is posted to it")
		o.write()
		require.Equal(t, "tried d e", p.taken())
		o.mu.Lock()
		o.writers = 0
		o.mu.Unlock()
	})
}

// A broadcast to many, of whom one does not read: the others have it, and who does
// not read gets it when it does.
func TestSlowSessionHoldsUpNoPost(t *testing.T) {
	onPaper(t, nil, func(t *testing.T, s *Session, p *paper) {
		p.set(true)
		others := make([]*Session, 100)
		papers := make([]*paper, len(others))
		for i := range others {
			papers[i] = newPaper()
			var err error
			others[i], err = s.server.openOn(papers[i], httptest.NewRequest(http.MethodGet, "/", nil), query{version: "4"})
			require.NoError(t, err)
			others[i].sayNow()
			others[i].accept()
			papers[i].taken()
		}
		for _, to := range append([]*Session{s}, others...) {
			require.NoError(t, to.Post(TextMessage([]byte("all"))))
		}
		synctest.Wait()
		for _, p := range papers {
			require.Equal(t, "tried all", p.taken())
		}
		require.Empty(t, p.taken())
		p.set(false)
		synctest.Wait()
		require.Equal(t, "waited for all", p.taken())
		require.Zero(t, s.server.outbox.writers)
		require.Empty(t, s.server.outbox.sessions)
		for _, other := range others {
			other.end(TransportClose, nil)
			<-other.handler.(ignore).closed
		}
	})
}
