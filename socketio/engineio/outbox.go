package engineio

import (
	"slices"
	"sync"
)

// outbox is the sessions to which something was posted, in that order, and the
// goroutines that write to them: half as many as there are processors, because the
// others have to do with what comes, and none while there is nothing to write.
// Whoever is far behind in it when something else is posted gets both in one write,
// so that the more there is to do the less each message costs.
type outbox struct {
	mu       sync.Mutex
	sessions []*Session
	next     int // of sessions: those before were taken
	writers  int
	most     int // writers; asking Go's scheduler for each session would take its lock
}

// Post is [Session.Send] for a message that many sessions get: others write it.
func (s *Session) Post(messages ...Outgoing) error {
	s.mu.Lock()
	if err := s.admit(messages); err != nil {
		return err
	}
	s.server.trace.queued(s.flow, s.id, messages)
	s.queue.append(messages)
	switch {
	case s.flushing || s.held || s.posted: // they leave with what is before them
	case s.conn == nil:
		s.kick()
	default:
		s.posted = true
		if !s.listed {
			s.listed = true
			s.server.outbox.add(s)
		}
	}
	s.mu.Unlock()
	return nil
}

// add has s written to. The caller has s.mu.
func (o *outbox) add(s *Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sessions = append(o.sessions, s)
	if o.writers < min(o.most, len(o.sessions)-o.next) {
		o.writers++
		go o.write()
	}
}

// keepSessions is how large the list's memory is kept when it is empty.
const keepSessions = 4096

// write writes to one session after the other. One whose client does not take what
// is there gets a goroutine, and holds up nobody.
func (o *outbox) write() {
	for {
		o.mu.Lock()
		if o.next == len(o.sessions) {
			o.writers--
			if o.sessions, o.next = o.sessions[:0], 0; cap(o.sessions) > keepSessions {
				o.sessions = nil
			}
			o.mu.Unlock()
			return
		}
		s := o.sessions[o.next]
		o.sessions[o.next] = nil
		if o.next++; o.next > len(o.sessions)/2 {
			o.sessions, o.next = slices.Delete(o.sessions, 0, o.next), 0
		}
		o.mu.Unlock()
		s.mu.Lock()
		s.listed = false
		if s.posted {
			s.leave()
		}
		s.mu.Unlock()
	}
}
