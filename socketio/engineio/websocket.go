package engineio

import (
	"context"
	"errors"
	"net"
	"net/http"

	"strata/trace"
	"strata/ws"
)

// serveWebSocket opens a WebSocket: for a new session, or for one that wants to
// change to it.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, q query, session *Session) {
	s.mu.Lock()
	refuse := s.closed
	if !refuse {
		s.running.Add(1) // until the WebSocket is no longer read
	}
	s.mu.Unlock()
	if refuse {
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	conn, err := ws.Accept(w, r, &ws.AcceptOptions{
		OriginPatterns: s.opts.AllowedOrigins,
		ReadLimit:      int64(s.opts.MaxPayload),
		Recorder:       s.opts.Recorder,
		Host:           s.opts.Host,
	})
	if err != nil {
		s.running.Done()
		return // the answer is written
	}
	flow := trace.Flow{}
	if s.trace.on() {
		flow = trace.FlowOf(conn.LocalAddr(), conn.RemoteAddr())
	}
	// The reader has a goroutine of its own: net/http's, with the stack that
	// grew while it served the request and with the request, can go.
	if session == nil {
		session, err = s.open(r, q, WebSocket)
		if err != nil {
			s.running.Done()
			_ = conn.Close(ws.StatusTryAgainLater, "")
			return
		}
		session.mu.Lock()
		session.conn = conn
		session.flow = flow
		session.textOnly = q.textOnly
		ended := session.state == closed
		session.kick()
		session.mu.Unlock()
		if ended {
			conn.CloseNow()
		}
		go func() {
			defer s.running.Done()
			session.read(conn, flow)
		}()
		return
	}
	go func() {
		defer s.running.Done()
		session.upgrade(conn, flow, q.textOnly)
	}()
}

// readPacket reads the next packet from a WebSocket. An error is errPacket, or
// the connection's.
func readPacket(ctx context.Context, conn *ws.Conn) (packet, error) {
	typ, data, err := conn.Read(ctx)
	if err != nil {
		return packet{}, err
	}
	if typ == ws.MessageBinary {
		return packet{typ: packetMessage, binary: true, data: data}, nil
	}
	return parsePacket(data)
}

// writePacket writes a packet to a WebSocket.
func writePacket(conn *ws.Conn, p Outgoing, textOnly bool) error {
	if p.binary && !textOnly {
		return conn.Write(context.Background(), ws.MessageBinary, p.wire)
	}
	wire := p.wire
	if p.binary {
		wire = p.appendText(nil)
	}
	return conn.Write(context.Background(), ws.MessageText, wire)
}

// read takes what comes over the session's WebSocket until it ends.
func (s *Session) read(conn *ws.Conn, flow trace.Flow) {
	for {
		p, err := readPacket(context.Background(), conn)
		if err != nil {
			s.end(connectionEnd(err), err)
			return
		}
		if !s.receive(p, flow) {
			// Close was called: the peer's close frame is still to be read.
			s.skip(conn)
			return
		}
	}
}

// skip reads, and forgets, until the connection ends.
func (s *Session) skip(conn *ws.Conn) {
	for {
		if _, _, err := conn.Read(context.Background()); err != nil {
			s.end(ForcedClose, nil)
			return
		}
	}
}

// connectionEnd is the reason that an error of readPacket stands for.
func connectionEnd(err error) Reason {
	var violation *ws.ProtocolError
	switch {
	case errors.Is(err, errPacket):
		return ParseError
	case errors.As(err, &violation):
		return TransportError
	}
	return TransportClose
}

// flush writes what waits to the WebSocket. There is at most one goroutine a
// session that does, and only while something waits.
func (s *Session) flush() {
	defer s.server.running.Done()
	for {
		s.mu.Lock()
		if s.state == closed {
			s.mu.Unlock()
			return
		}
		conn, flow := s.conn, s.flow
		batch := s.queue.take()
		if len(batch) == 0 {
			s.flushing = false
			last, code := s.state == closing, s.closeCode
			s.mu.Unlock()
			if last {
				s.markEnded(ForcedClose, nil)
				_ = conn.Close(code, "") // bounded; the session is over anyway
			}
			return
		}
		s.mu.Unlock()
		for _, p := range batch {
			s.server.trace.engine(trace.Out, flow, p.typ(), s.id, WebSocket, p.dataLen())
			if err := writePacket(conn, p, s.textOnly); err != nil {
				// Where the connection has ended, the reader knows better
				// why, and says so.
				if !errors.Is(err, net.ErrClosed) {
					s.end(TransportClose, err)
				}
				return
			}
			s.mu.Lock()
			s.wrote(p)
			s.mu.Unlock()
		}
		s.mu.Lock()
		s.queue.reuse(batch)
		s.mu.Unlock()
	}
}
