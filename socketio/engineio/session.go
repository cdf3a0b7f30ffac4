package engineio

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"strata/trace"
	"strata/ws"
)

// goingAway and normal are the codes that WebSockets are closed with.
const (
	normal    = ws.StatusNormalClosure
	goingAway = ws.StatusGoingAway
)

type state uint8

const (
	open    state = iota
	closing       // Close was called: what waits is still sent
	closed
)

// Session is a client's session, as the server has it. All methods may be
// called from any goroutine, and none of them waits for the client.
type Session struct {
	server    *Server
	id        string
	protocol  string // EIO: "4", or "3"
	handshake *Handshake

	receiving sync.Mutex  // held while the handler takes a message
	busy      atomic.Bool // the handler takes a message

	mu        sync.Mutex
	handler   Handler // nil until the server's accept has returned
	state     state
	transport Transport
	flow      trace.Flow // of the connection last used; zero without a recorder
	queue     sendQueue

	// Long-polling: see polling.go.
	polling bool          // a GET is waiting or being answered
	wake    chan struct{} // of the GET that waits; nil: none
	posting bool          // a POST is being read

	// What carries it otherwise: see carrier.go.
	conn      carrier
	flushing  bool          // a goroutine is writing what is in queue
	sentNow   time.Time     // when sendNow last wrote
	corks     int32         // see cork.go
	held      bool          // something waits for Uncork
	swept     bool          // the sweeper has it
	posted    bool          // something waits for the outbox
	listed    bool          // the outbox has it
	closeCode ws.StatusCode // of the close frame, when closing
	probe     carrier       // that the client wants to change to; nil: none
	probed    bool          // the probe was answered
	onUpgrade []func(Transport)
	room      chan struct{} // closed when something left; nil: nobody waits for that

	// The heartbeat: see heartbeat.go.
	timer     timer
	due       time.Time // when timer has something to do
	pongDue   bool      // a ping was sent and not answered
	refreshed bool      // the time for the answer was already extended
	deaf      bool      // the handler kept us from hearing the answer

	endReason Reason
	endErr    error
	told      bool // Closed was called, or is about to be
}

// accept has the program say what handles the session. Where it panics instead the
// session ends, and nobody is told.
func (s *Session) accept() {
	returned := false
	defer func() {
		if !returned {
			s.endUnheard(TransportError, nil)
		}
	}()
	handler := s.server.accept(s)
	returned = true
	s.mu.Lock()
	s.handler = handler
	ended := s.state == closed
	s.mu.Unlock()
	if ended {
		s.tellClosed()
	}
}

// endUnheard is end for a session of which the program will not hear: Closed, which
// would be waited for, is not called.
func (s *Session) endUnheard(reason Reason, err error) {
	s.end(reason, err)
	s.server.running.Done()
}

// ID is the session's id. It is a secret between the client and the server: it
// must not be shown to other clients.
func (s *Session) ID() string { return s.id }

// Handshake is the request that opened the session.
func (s *Session) Handshake() *Handshake { return s.handshake }

// Transport is what carries the session at the moment.
func (s *Session) Transport() Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transport
}

// OnUpgrade has fn called, on a goroutine of its own, when the session has changed
// to another transport. Where it has changed already fn is never called.
func (s *Session) OnUpgrade(fn func(to Transport)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onUpgrade = append(s.onUpgrade, fn)
}

// Flow is the connection that carries the session at the moment, or did last;
// zero where the server has no Recorder.
func (s *Session) Flow() trace.Flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flow
}

// Waiting is what waits to be sent to the client.
func (s *Session) Waiting() (packets, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.count, s.queue.bytes
}

// Send queues messages for the client; those of one call stay together. It
// never waits: a session with more waiting than the server's options allow is
// ended, with [ErrSlow]. After the end the error is [ErrClosed].
func (s *Session) Send(messages ...Outgoing) error {
	s.mu.Lock()
	if err := s.admit(messages); err != nil {
		return err
	}
	s.enqueue(messages)
	s.mu.Unlock()
	return nil
}

// admit says whether messages may be queued. The caller has mu, and loses it where
// they may not.
func (s *Session) admit(messages []Outgoing) error {
	if s.state != open {
		s.mu.Unlock()
		return ErrClosed
	}
	if !s.fits(messages) {
		s.mu.Unlock()
		s.end(TransportError, ErrSlow)
		return ErrSlow
	}
	return nil
}

// Protocol is the version of Engine.IO that the client speaks: 4, or 3 where
// Options.AllowEIO3 lets it.
func (s *Session) Protocol() int { return int(s.protocol[0] - '0') }

// SendVolatile sends messages where the client can take them now, and reports
// whether it did: where something waits already, or no poll does, they are
// dropped.
func (s *Session) SendVolatile(messages ...Outgoing) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurry()
	writable := s.state == open && s.queue.count == 0
	if s.transport == Polling {
		writable = writable && s.wake != nil
	}
	if !writable {
		s.server.counters.volatileDropped.Add(1)
		return false
	}
	s.enqueue(messages)
	return true
}

// SendWait is Send, but where too much waits already it waits too, until there
// is room or ctx ends (the error is the context's).
func (s *Session) SendWait(ctx context.Context, messages ...Outgoing) error {
	for {
		s.mu.Lock()
		if s.state != open {
			s.mu.Unlock()
			return ErrClosed
		}
		if s.fits(messages) {
			s.enqueue(messages)
			s.mu.Unlock()
			return nil
		}
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fits reports whether the options allow messages to wait. The caller has mu.
func (s *Session) fits(messages []Outgoing) bool {
	packets, bytes := s.server.opts.SendPackets, s.server.opts.SendBytes
	if !s.queue.fits(packets, bytes, messages) {
		s.hurry()
	}
	return s.queue.fits(packets, bytes, messages)
}

// hurry has what waits although the client could take it leave. The caller has mu.
func (s *Session) hurry() {
	if s.held || s.posted {
		s.leave()
	}
}

// enqueue has messages sent that fit. The caller has mu.
func (s *Session) enqueue(messages []Outgoing) {
	s.server.trace.queued(s.flow, s.id, messages)
	if s.corks > 0 {
		s.hold(messages)
		return
	}
	if messages = s.sendNow(messages); len(messages) > 0 {
		s.queue.append(messages)
		if s.posted {
			s.leave()
			return
		}
		s.kick()
	}
}

// wrote says that packets left. The caller has mu.
func (s *Session) wrote(packets ...Outgoing) {
	for i := range packets {
		s.queue.wrote(packets[i])
		s.server.counters.packetsOut.Add(1)
		s.server.counters.bytesOut.Add(uint64(len(packets[i].wire)))
	}
	s.freed()
}

// freed lets those go on who wait for room to send. The caller has mu.
func (s *Session) freed() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// push queues one of our own packets, which always fits. The caller has mu.
func (s *Session) push(p Outgoing) {
	s.queue.append([]Outgoing{p})
	s.kick()
}

// kick has what waits sent. The caller has mu.
func (s *Session) kick() {
	if s.transport == Polling {
		s.wakePoll()
		return
	}
	if s.conn != nil && !s.flushing {
		s.flushing = true
		s.server.running.Add(1)
		go s.flush()
	}
}

// Close ends the session after what waits was sent. It does not wait for that.
func (s *Session) Close() { s.close(normal) }

func (s *Session) close(code ws.StatusCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed || s.state == closing && code != goingAway {
		return // one that is closing already does not hold the server's end up either
	}
	s.state = closing
	s.closeCode = code
	if code == goingAway && s.transport == Polling {
		s.deadline(pollGrace)
	} else {
		// A client that is not there any more is not waited for longer than its
		// heartbeat would be.
		s.deadline(min(closeTimeout, s.server.opts.PingInterval+s.server.opts.PingTimeout))
	}
	s.kick()
}

// abort ends the session without waiting for anything.
func (s *Session) abort() {
	s.end(ForcedClose, nil)
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		conn.closeNow()
	}
}

// end ends the session, cutting its connection off.
func (s *Session) end(reason Reason, err error) {
	if conn := s.markEnded(reason, err); conn != nil {
		conn.closeNow()
	}
}

// markEnded does all of the end but closing the carrier, which it returns.
// It returns nil where there is none, or the session had already ended.
func (s *Session) markEnded(reason Reason, err error) carrier {
	s.mu.Lock()
	if s.state == closed {
		s.mu.Unlock()
		return nil
	}
	if s.state == closing {
		reason = ForcedClose
	}
	s.state = closed
	s.endReason, s.endErr = reason, err
	s.queue.drop()
	s.freed()
	s.wakePoll()
	conn, probe := s.conn, s.probe
	s.probe = nil
	tell := s.handler != nil // otherwise accept tells it
	flow, transport := s.flow, s.transport
	s.mu.Unlock()

	s.server.counters.ended(reason, err)
	s.server.timers.stop(&s.timer)
	s.server.mu.Lock()
	delete(s.server.sessions, s.id)
	s.server.mu.Unlock()
	if probe != nil {
		probe.closeNow()
	}
	s.server.trace.engine(0, flow, packetClose, s.id, transport, 0)
	if tell {
		s.tellClosed()
	}
	return conn
}

// tellClosed calls the handler's Closed, on a goroutine of its own: who ends a
// session may hold locks that the handler wants.
func (s *Session) tellClosed() {
	s.mu.Lock()
	told := s.told
	s.told = true
	handler, reason, err := s.handler, s.endReason, s.endErr
	s.mu.Unlock()
	if told {
		return
	}
	go func() {
		defer s.server.running.Done()
		handler.Closed(reason, err)
	}()
}

// receive takes a packet from the client. Where the session takes no more, because
// it is closing or over, the packet is ignored.
func (s *Session) receive(p packet, flow trace.Flow) {
	if !s.receiving.TryLock() {
		// Another request's message is being taken, and may wait for what this
		// one's connection left for later.
		p.turn.Waits()
		s.receiving.Lock()
	}
	defer s.receiving.Unlock()
	s.mu.Lock()
	if s.state != open {
		goes := s.state == closing && p.typ == packetClose // instead of fetching the rest
		s.mu.Unlock()
		if goes {
			s.end(ForcedClose, nil)
		}
		return
	}
	s.flow = flow
	s.server.counters.packetsIn.Add(1)
	s.server.counters.bytesIn.Add(uint64(len(p.data)))
	s.heard(p.typ)
	s.sentNow = time.Time{} // an answer to it is no burst
	handler, transport, asked := s.handler, s.transport, s.pongDue
	s.mu.Unlock()
	s.server.trace.engine(trace.In, flow, p.typ, s.id, transport, len(p.data))

	switch p.typ {
	case packetMessage:
		s.handle(handler, Message{Binary: p.binary, Data: p.data, Turn: p.turn}, asked)
	case packetClose:
		s.end(TransportClose, nil)
	case packetPing:
		if !s.v3() {
			s.end(TransportError, errors.New("a ping from the client: in version 4 the server pings"))
			return
		}
		s.mu.Lock()
		if s.state == open {
			s.push(outgoingPacket(packetPong, ""))
		}
		s.mu.Unlock()
	case packetPong:
		if s.v3() {
			s.end(TransportError, errors.New("a pong from the client: in version 3 the client pings"))
		}
	}
}
