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
// change to it. It is called by begin.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, q query, session *Session) {
	c := &webSocket{v3: q.version == "3", textOnly: q.textOnly}
	opts := ws.AcceptOptions{
		OriginPatterns: s.opts.AllowedOrigins,
		ReadLimit:      int64(s.opts.MaxPayload),
		Compression:    s.opts.Compression,
		Recorder:       s.opts.Recorder,
		Host:           s.opts.Host,
	}
	if session != nil {
		var err error
		if c.conn, err = ws.Accept(w, r, &opts); err != nil { // the answer is written
			s.running.Done()
			return
		}
		s.carry(c, r, q, session)
		return
	}
	var openErr error
	opts.Greet = func(conn *ws.Conn) {
		c.conn = conn
		if session, openErr = s.openOn(c, r, q); openErr == nil {
			session.sayNow()
		}
	}
	if _, err := ws.Accept(w, r, &opts); err != nil {
		if session != nil {
			session.endUnheard(TransportClose, err)
		}
		s.running.Done()
		return
	}
	s.serveOn(c, session, openErr)
}

// webSocket is a WebSocket as a carrier: one packet a message.
type webSocket struct {
	conn     *ws.Conn
	v3       bool // of version 3, where a binary message has its type in front
	textOnly bool // binary goes as base64
}

var _ carrier = (*webSocket)(nil)

func (w *webSocket) transport() Transport { return WebSocket }

func (w *webSocket) read(ctx context.Context) (packet, error) {
	typ, data, err := w.conn.Read(ctx)
	if err != nil {
		return packet{}, err
	}
	return w.packet(typ, data)
}

// packet reads the packet of a message. It points into data.
func (w *webSocket) packet(typ ws.MessageType, data []byte) (packet, error) {
	switch {
	case w.v3:
		return parsePacket3(data, typ == ws.MessageBinary)
	case typ == ws.MessageBinary:
		return packet{typ: packetMessage, binary: true, data: data}, nil
	}
	return parsePacket(data)
}

func (w *webSocket) write(p Outgoing) error {
	ctx := context.Background()
	typ, wire := p.message()
	switch {
	case p.binary && w.textOnly:
		typ, wire = ws.MessageText|typ&ws.Uncompressed, appendText(nil, p, w.v3)
	case p.binary && w.v3:
		wire = appendBinary3(nil, p)
	case p.prepared != nil:
		return w.conn.WritePrepared(ctx, p.prepared)
	}
	return w.conn.Write(ctx, typ, wire)
}

func (w *webSocket) tryWrite(p Outgoing) (bool, error) {
	switch {
	case p.binary && (w.textOnly || w.v3):
		return false, nil
	case p.prepared != nil:
		return w.conn.TryWritePrepared(p.prepared)
	}
	return w.conn.TryWrite(p.message())
}

func (w *webSocket) tryBatch(packets []Outgoing) int {
	n := 0
	try := func() {
		for n < len(packets) {
			if sent, err := w.tryWrite(packets[n]); err != nil || !sent {
				return // flush finds the error again, and deals with it
			}
			n++
		}
	}
	if len(packets) == 1 {
		try()
	} else {
		w.conn.TryBatch(try)
	}
	return n
}

func (w *webSocket) batch(f func() error) error { return w.conn.Batch(f) }

func (w *webSocket) close(code ws.StatusCode) { _ = w.conn.Close(code, "") } // the session is over anyway

func (w *webSocket) closeNow() { w.conn.CloseNow() }

func (w *webSocket) addrs() (local, remote net.Addr) { return w.conn.LocalAddr(), w.conn.RemoteAddr() }

// handle takes what comes until the WebSocket ends. While nothing comes there is
// no goroutine for it, and no buffer, where the connection below can do that.
func (w *webSocket) handle(s *Session, flow trace.Flow) {
	w.conn.Handle(&ws.Handler{
		OnMessage: func(_ *ws.Conn, typ ws.MessageType, data []byte) {
			// A copy: the message is the session's handler's to keep.
			p, err := w.packet(typ, bytes.Clone(data))
			if err != nil {
				s.end(connectionEnd(err), err)
				return
			}
			p.turn = Turn{w.conn}
			s.receive(p, flow)
		},
		OnClose: func(_ *ws.Conn, err error) {
			s.end(connectionEnd(err), err)
			s.server.running.Done()
		},
	})
}

// connectionEnd is the reason that an error of a carrier's read stands for.
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
