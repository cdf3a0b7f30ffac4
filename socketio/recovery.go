package socketio

import (
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// Recovery has clients that come back soon continue where they were: with their
// id, their rooms, their data, and the events they missed
// (https://socket.io/docs/v4/connection-state-recovery). Events that ask for an
// ack and volatile ones are not kept. The zero value works.
//
// Other than with the official server also a client is recovered that has
// received nothing yet, or whose old connection has not been found dead yet,
// and what is kept has limits beside the time.
type Recovery struct {
	// MaxDisconnection is how long a client may be away. 0: 2 minutes.
	MaxDisconnection time.Duration

	// RunMiddlewares has the namespace's middlewares asked also about clients
	// that come back, before it is known whether they can continue. What a
	// middleware did to the socket is forgotten where they do.
	RunMiddlewares bool

	// MaxPackets and MaxBytes bound the events that are kept for a
	// namespace, MaxSessions the clients that are away. Beyond them the
	// oldest are forgotten: whoever needs them is not recovered. 0: 65,536
	// packets, 16 MiB, 65,536 sessions.
	MaxPackets  int
	MaxBytes    int
	MaxSessions int
}

func (r *Recovery) withDefaults() *Recovery {
	if r == nil {
		return nil
	}
	c := *r
	for v, def := range map[*int]int{&c.MaxPackets: 65536, &c.MaxBytes: 16 << 20, &c.MaxSessions: 65536} {
		if *v <= 0 {
			*v = def
		}
	}
	if c.MaxDisconnection <= 0 {
		c.MaxDisconnection = 2 * time.Minute
	}
	return &c
}

// recoverable reports whether a session goes on after an end of that kind.
func recoverable(reason string) bool {
	switch reason {
	case ReasonTransportError, ReasonTransportClose, ReasonForcedClose, ReasonPingTimeout, ReasonServerShuttingDown, ReasonForcedServerClose:
		return true
	}
	return false
}

// packetLog is the events that were sent to a namespace lately, numbered, and
// the sessions that may be continued.
type packetLog struct {
	limits Recovery
	epoch  string // makes the offsets of different logs different

	mu       sync.Mutex
	entries  []logEntry
	first    uint64 // the number of entries[0]
	next     uint64
	bytes    int
	sessions map[string]Session // by pid
	live     map[string]*Socket // by pid
	sweeper  *time.Timer        // nil: nothing to forget
	closed   bool
}

type logEntry struct {
	packet parser.Packet // with its offset
	to     Target
	at     time.Time
}

func newPacketLog(r *Recovery, rand io.Reader) *packetLog {
	var epoch [4]byte
	_, _ = io.ReadFull(rand, epoch[:]) // it need not be secret
	return &packetLog{limits: *r, epoch: hex.EncodeToString(epoch[:]), sessions: map[string]Session{}, live: map[string]*Socket{}}
}

// append numbers an event and keeps it. It returns the event with its offset as
// last argument, as clients expect it. The caller has mu.
func (l *packetLog) append(p *parser.Packet, to Target) *parser.Packet {
	offset := l.offset(l.next)
	kept := *p
	kept.Data = make([]byte, 0, len(p.Data)+len(offset)+3)
	kept.Data = append(append(append(append(kept.Data, p.Data[:len(p.Data)-1]...), `,"`...), offset...), `"]`...)
	to.Rooms, to.Except = slices.Clone(to.Rooms), slices.Clone(to.Except)
	l.entries = append(l.entries, logEntry{kept, to, time.Now()})
	l.next++
	l.bytes += packetSize(&kept)
	l.trim()
	l.sweepLater()
	return &kept
}

func packetSize(p *parser.Packet) int {
	size := len(p.Data)
	for _, a := range p.Attachments {
		size += len(a)
	}
	return size
}

func (l *packetLog) offset(n uint64) string { return l.epoch + "-" + strconv.FormatUint(n, 36) }

// after is the number of the event that follows the one with that offset.
func (l *packetLog) after(offset string) (uint64, bool) {
	epoch, digits, _ := strings.Cut(offset, "-")
	n, err := strconv.ParseUint(digits, 36, 64)
	return n + 1, err == nil && epoch == l.epoch
}

// trim forgets what is too old or too much.
func (l *packetLog) trim() {
	since := time.Now().Add(-l.limits.MaxDisconnection)
	n := 0
	for n < len(l.entries) {
		e := &l.entries[n]
		if len(l.entries)-n <= l.limits.MaxPackets && l.bytes <= l.limits.MaxBytes && e.at.After(since) {
			break
		}
		l.bytes -= packetSize(&e.packet)
		*e = logEntry{}
		n++
	}
	l.entries = l.entries[n:]
	l.first += uint64(n)
	if len(l.entries) == 0 {
		l.entries = nil
	}
}

// sweepLater has old things forgotten also where nothing else happens.
func (l *packetLog) sweepLater() {
	if l.sweeper == nil && !l.closed {
		l.sweeper = time.AfterFunc(l.limits.MaxDisconnection/2, l.sweep)
	}
}

func (l *packetLog) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweeper = nil
	l.trim()
	now := time.Now()
	for pid, s := range l.sessions {
		if now.Sub(s.at) > l.limits.MaxDisconnection {
			delete(l.sessions, pid)
		}
	}
	if len(l.entries) > 0 || len(l.sessions) > 0 {
		l.sweepLater()
	}
}

func (l *packetLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.sweeper != nil {
		l.sweeper.Stop()
	}
	l.entries, l.sessions = nil, map[string]Session{}
}

func (l *packetLog) persist(s Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || s.from == 0 {
		return
	}
	s.from--
	if len(l.sessions) >= l.limits.MaxSessions {
		oldest := ""
		for pid, have := range l.sessions {
			if oldest == "" || have.at.Before(l.sessions[oldest].at) {
				oldest = pid
			}
		}
		delete(l.sessions, oldest)
	}
	s.at = time.Now()
	l.sessions[s.PID] = s
	l.sweepLater()
}

// saved reports whether a session waits for its client, or has it.
func (l *packetLog) saved(pid string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.sessions[pid]
	return ok && time.Since(s.at) <= l.limits.MaxDisconnection || l.live[pid] != nil
}

// restore takes a session out, and what its client has missed. The caller has
// mu.
func (l *packetLog) restore(pid, offset string) (s Session, missed []logEntry, ok bool) {
	s, ok = l.sessions[pid]
	if !ok || time.Since(s.at) > l.limits.MaxDisconnection {
		return s, nil, false
	}
	from := s.from // a client that names no offset has received nothing
	if offset != "" {
		if from, ok = l.after(offset); !ok || from < s.from {
			return s, nil, false
		}
	}
	l.trim()
	if from < l.first || from > l.next {
		return s, nil, false // some of it is forgotten
	}
	for _, e := range l.entries[from-l.first:] {
		if s.hears(e.to) {
			missed = append(missed, e)
		}
	}
	delete(l.sessions, pid)
	return s, missed, true
}

// hears reports whether an event was for the socket of a session.
func (s *Session) hears(to Target) bool {
	in := func(room string) bool { return room == s.ID || slices.Contains(s.Rooms, room) }
	return (len(to.Rooms) == 0 || slices.ContainsFunc(to.Rooms, in)) && !slices.ContainsFunc(to.Except, in)
}

// emitLogged sends an event to one socket by way of the log, so that it is
// among what the client gets when it is back.
func (s *Socket) emitLogged(event string, args []any) error {
	if !s.Connected() && !s.mayReturn() {
		return ErrDisconnected
	}
	p := parser.Packet{Namespace: s.namespace.name}
	if err := dispatch.SetEvent(&p, event, args); err != nil {
		return err
	}
	return s.namespace.adapter.Broadcast(&p, Target{Rooms: []string{s.id}})
}

// mayReturn reports whether the client of a socket that ended may come back to
// what is sent to it meanwhile.
func (s *Socket) mayReturn() bool {
	m, _ := s.namespace.adapter.(interface{ savedSession(pid string) bool })
	return m != nil && m.savedSession(s.pid)
}

func (a *MemoryAdapter) savedSession(pid string) bool { return a.log != nil && a.log.saved(pid) }
