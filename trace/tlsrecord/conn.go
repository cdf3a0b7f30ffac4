package tlsrecord

import (
	"sync"

	"strata/trace"
)

// Conn reads both directions of a connection, each from its first byte on. The
// zero value is ready. Its methods may be called from any goroutine, those for one
// direction in the order of the stream.
type Conn struct {
	mu      sync.Mutex
	streams [2]stream       // in, out
	client  trace.Direction // in which the client sends; zero before its hello
	talks   bool            // the client has sent what is encrypted
	retried bool            // the server wanted another hello: this is TLS 1.3
}

// Pass reads what comes next in a direction, and tells of each record that ends
// in it. tell may be nil; it must not call back.
func (c *Conn) Pass(dir trace.Direction, p []byte, tell func(trace.TLSRecord)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.streams[dir-trace.In]
	for len(p) > 0 && !s.broken {
		n, ended := s.read(p)
		p = p[n:]
		if !ended {
			continue
		}
		r := trace.TLSRecord{Type: typeName(s.typ), From: s.from, To: s.at, Step: c.step(dir, s)}
		if tell != nil {
			tell(r)
		}
	}
}

// step is what a record does that has just ended.
func (c *Conn) step(dir trace.Direction, s *stream) string {
	switch {
	case s.typ == changeCipherSpec:
		// In TLS 1.3 it means nothing, but to what sits between (RFC 8446 §D.4),
		// and hellos may follow. Where they do, one asked for them.
		s.encrypted = !c.retried
		return ""
	case s.typ == handshake && s.encrypted && s.finished:
		return encrypted // a renegotiation (RFC 5246 §7.4.1)
	case s.typ == handshake && s.encrypted:
		s.finished = true // it comes at once behind the change of ciphers (RFC 5246 §7.4.9)
		return "finished"
	case s.typ == handshake:
		if c.client == 0 && s.hello {
			c.client = dir
		}
		c.retried = c.retried || s.retried
		return s.steps()
	case s.typ == alert && !s.encrypted && s.size == 2:
		return s.alert()
	case s.typ != applicationData || s.finished || c.client == 0:
		return ""
	case dir == c.client: // TLS 1.3: earlier versions say finished before
		s.finished, c.talks = true, true
		return "finished"
	case !c.talks:
		return encrypted
	}
	return ""
}

const encrypted = "encrypted handshake"
