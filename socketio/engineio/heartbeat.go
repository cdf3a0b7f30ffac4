package engineio

import "time"

// The server sends a ping PingInterval after the last answer, and the client
// has PingTimeout to answer it
// (https://socket.io/docs/v4/engine-io-protocol/#heartbeat). So a client that
// never polls again is found out as well, by the ping that it does not fetch.
// In version 3 the client pings, and has PingInterval + PingTimeout for each.

// startHeartbeat is called when the session opens. The caller has mu.
func (s *Session) startHeartbeat() {
	if s.v3() {
		s.pongDue = true
		s.deadline(s.server.opts.PingInterval + s.server.opts.PingTimeout)
		return
	}
	s.deadline(s.server.opts.PingInterval)
}

// deadline has expired called after d. The caller has mu.
func (s *Session) deadline(d time.Duration) {
	s.due = time.Now().Add(d)
	s.server.timers.set(&s.timer, s.due)
}

// expired is called by the server's timers.
func (s *Session) expired() {
	s.mu.Lock()
	switch {
	case s.state == closed, time.Now().Before(s.due): // moved meanwhile
	case s.state == closing:
		s.mu.Unlock()
		go s.end(ForcedClose, errCloseTimeout) // timers must not wait for the network
		return
	case s.pongDue && (s.busy.Load() || s.deaf):
		// We could not hear the answer, and ask again: the client wants to
		// hear from us, too.
		s.deaf = false
		s.deadline(s.server.opts.PingTimeout)
		s.push(outgoingPacket(packetPing, ""))
	case s.pongDue:
		s.mu.Unlock()
		go s.end(PingTimeout, nil)
		return
	default:
		// The answer's time runs before the ping leaves: an answer can
		// never come before it is waited for.
		s.pongDue, s.refreshed, s.deaf = true, false, false
		s.deadline(s.server.opts.PingTimeout)
		s.push(outgoingPacket(packetPing, ""))
	}
	s.mu.Unlock()
}

// heard takes note of a packet from the client. The caller has mu.
func (s *Session) heard(t packetType) {
	switch {
	case s.v3():
		s.startHeartbeat() // also for what is no ping: who talks is there
	case !s.pongDue: // also an answer that nobody asked for
	case t == packetPong:
		s.pongDue = false
		s.deadline(s.server.opts.PingInterval)
	case !s.refreshed:
		// Something else came while the answer is outstanding: the client
		// lives, its answer may be queued behind a large message. Once a
		// ping it gets its time again (engine.io 6.6.10).
		s.refreshed = true
		s.deadline(s.server.opts.PingTimeout)
	}
}

// handle has the handler take a message. While it does, nothing is read: where an
// answer is outstanding (asked), and it takes long, that is not the client's
// fault.
func (s *Session) handle(h Handler, m Message, asked bool) {
	s.busy.Store(true)
	if !asked {
		h.Message(m)
		s.busy.Store(false)
		return
	}
	began := time.Now()
	h.Message(m)
	s.busy.Store(false)
	if time.Since(began) > s.server.opts.PingTimeout/100 {
		s.mu.Lock()
		s.deaf = true
		s.mu.Unlock()
	}
}
