package engineio

import (
	"bytes"
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
		Compression:    s.opts.Compression,
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
		session.handle(conn, flow)
		return
	}
	go session.upgrade(conn, flow, q.textOnly)
}

// readPacket reads the next packet from a WebSocket. An error is errPacket, or
// the connection's.
func readPacket(ctx context.Context, conn *ws.Conn) (packet, error) {
	typ, data, err := conn.Read(ctx)
	if err != nil {
		return packet{}, err
	}
	return framePacket(typ, data)
}

// framePacket reads the packet of a message. It points into data.
func framePacket(typ ws.MessageType, data []byte) (packet, error) {
	if typ == ws.MessageBinary {
		return packet{typ: packetMessage, binary: true, data: data}, nil
	}
	return parsePacket(data)
}

// writePacket writes a packet to a WebSocket.
func writePacket(conn *ws.Conn, p Outgoing, textOnly bool) error {
	if p.prepared != nil && !(p.binary && textOnly) {
		return conn.WritePrepared(context.Background(), p.prepared)
	}
	if p.binary && !textOnly {
		return conn.Write(context.Background(), ws.MessageBinary, p.wire)
	}
	wire := p.wire
	if p.binary {
		wire = p.appendText(nil)
	}
	return conn.Write(context.Background(), ws.MessageText, wire)
}

// handle takes what comes over the session's WebSocket until it ends. While
// nothing comes there is no goroutine for it, and no buffer, where the
// connection below can do that.
func (s *Session) handle(conn *ws.Conn, flow trace.Flow) {
	conn.Handle(&ws.Handler{
		OnMessage: func(_ *ws.Conn, typ ws.MessageType, data []byte) {
			// A copy: the message is the session's handler's to keep.
			p, err := framePacket(typ, bytes.Clone(data))
			if err != nil {
				s.end(connectionEnd(err), err)
				return
			}
			s.receive(p, flow) // false: Close was called, and what comes yet is ignored
		},
		OnClose: func(_ *ws.Conn, err error) {
			s.end(connectionEnd(err), err)
			s.server.running.Done()
		},
	})
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
		if err := s.write(conn, flow, batch); err != nil {
			// Where the connection has ended, the reader knows better why,
			// and says so.
			if !errors.Is(err, net.ErrClosed) {
				s.end(TransportClose, err)
			}
			return
		}
		s.mu.Lock()
		s.queue.reuse(batch)
		s.mu.Unlock()
	}
}

// write writes packets to the WebSocket.
func (s *Session) write(conn *ws.Conn, flow trace.Flow, batch []Outgoing) error {
	if len(batch) == 1 {
		return s.writeOne(conn, flow, batch[0])
	}
	return conn.Batch(func() error {
		for _, p := range batch {
			if err := s.writeOne(conn, flow, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Session) writeOne(conn *ws.Conn, flow trace.Flow, p Outgoing) error {
	s.server.trace.engine(trace.Out, flow, p.typ(), s.id, WebSocket, p.dataLen())
	if err := writePacket(conn, p, s.textOnly); err != nil {
		return err
	}
	s.mu.Lock()
	s.wrote(p)
	s.mu.Unlock()
	return nil
}
