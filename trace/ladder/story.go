package ladder

import (
	"strings"
	"time"

	"strata/trace"
)

// patience is how long the story waits for a handshake that does not go on
// before it takes the next one.
const patience = 3 * time.Second

// defaultClosing is what First says last.
const defaultClosing = "That was the first of each kind. From here on it is quiet."

// story is First's: the first of each kind, then quiet.
type story struct {
	l *Ladder

	following bool
	flow      trace.Flow // of the handshake
	tcp       conn
	heard     time.Time // of the last of its segments

	handshake, tls, request, response, frameIn, frameOut, event bool

	upgrading trace.Flow // of the request
}

func (s *story) record(e trace.Event) {
	switch w := e.What.(type) {
	case trace.Segment:
		s.segment(e, w)
	case trace.TLS:
		s.once(e, &s.tls)
	case trace.HTTP:
		switch {
		case w.Status == 0 && strings.EqualFold(w.Upgrade, "websocket"):
			if !s.request {
				s.upgrading = e.Flow
			}
			s.once(e, &s.request)
		case w.Status != 0 && s.request && e.Flow == s.upgrading:
			s.once(e, &s.response)
		}
	case trace.Frame:
		switch e.Dir {
		case trace.In:
			s.once(e, &s.frameIn)
		case trace.Out:
			s.once(e, &s.frameOut)
		}
	case trace.Message:
		if w.Type == "EVENT" || w.Type == "BINARY_EVENT" {
			s.once(e, &s.event)
		}
	}
	if s.handshake && s.request && s.response && s.frameIn && s.frameOut && s.event {
		closing := s.l.o.Closing
		if closing == "" {
			closing = defaultClosing
		}
		s.l.page.text(plain, s.l.say.text(closing), 0)
		s.l.quiet.Store(true)
	}
}

func (s *story) close() {}

// once shows an event if it is the first of its kind.
func (s *story) once(e trace.Event, told *bool) {
	if !*told {
		*told = true
		s.l.describe(e)
	}
}

// segment shows the segments of the first handshake that comes to something.
func (s *story) segment(e trace.Event, w trace.Segment) {
	if s.handshake {
		return
	}
	if !s.following || e.Flow != s.flow {
		opens := w.Flags&(trace.SYN|trace.ACK) == trace.SYN
		if !opens || s.following && e.At.Sub(s.heard) < patience {
			return
		}
		s.following, s.flow, s.tcp = true, e.Flow, conn{}
	}
	s.heard = e.At
	v := s.tcp.see(e.Dir, w)
	if v.handshake {
		s.l.segment(e, w, v)
	}
	switch {
	case v.opened:
		s.handshake = true
		s.l.noSegments.Store(true)
	case w.Flags&trace.RST != 0: // refused
		s.following = false
	}
}
