package engineio

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"strata/trace"
	"strata/ws"
)

// A byte stream, like WebTransport's, carries packets each with a header before
// it, of 1, 3 or 9 bytes: the first bit says whether it is binary, the next 7
// its length, or, where they are 126 or 127, that it follows in 2 or 8 bytes
// (https://github.com/socketio/engine.io-protocol#webtransport). The first packet
// is the client's: "0", or for a change `0{"sid":"…"}`.

const (
	streamBinary = 0x80
	streamLen16  = 126
	streamLen64  = 127
)

// stream is a byte stream as a carrier.
type stream struct {
	conn  net.Conn
	r     *bufio.Reader
	w     *bufio.Writer
	max   int // of a packet, bytes
	holds bool
	over  sync.Once
	done  chan struct{} // closed when there is nothing more to read
}

var _ carrier = (*stream)(nil)

// streamBuffer is how much is read and written at a time, bytes.
const streamBuffer = 4096

func newStream(conn net.Conn, maxPacket int) *stream {
	return &stream{
		conn: conn, r: bufio.NewReaderSize(conn, streamBuffer), w: bufio.NewWriterSize(conn, streamBuffer),
		max: maxPacket, done: make(chan struct{}),
	}
}

func (s *stream) transport() Transport { return WebTransport }

// read reads a packet. Where ctx ends before, so does the connection.
func (s *stream) read(ctx context.Context) (packet, error) {
	stop := context.AfterFunc(ctx, s.closeNow)
	defer stop()
	p, err := readFramed(s.r, s.max)
	if err != nil {
		s.over.Do(func() { close(s.done) })
	}
	return p, err
}

// readFramed reads a packet and its header.
func readFramed(r *bufio.Reader, maxPacket int) (packet, error) {
	first, err := r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	var b [8]byte
	size := uint64(first &^ streamBinary)
	switch size {
	case streamLen16:
		_, err = io.ReadFull(r, b[6:])
		size = binary.BigEndian.Uint64(b[:])
	case streamLen64:
		_, err = io.ReadFull(r, b[:])
		size = binary.BigEndian.Uint64(b[:])
	}
	switch {
	case err != nil:
		return packet{}, fmt.Errorf("header of a packet: %w", err)
	case size == 0 || size > uint64(maxPacket):
		return packet{}, fmt.Errorf("%w: of %d bytes: 1 to %d are allowed", errPacket, size, maxPacket)
	}
	data, err := readExactly(r, int(size))
	if err != nil {
		return packet{}, fmt.Errorf("packet of %d bytes: %w", size, err)
	}
	if first&streamBinary != 0 {
		return packet{typ: packetMessage, binary: true, data: data}, nil
	}
	return parsePacket(data)
}

// readExactly reads so many bytes, without making room for more than twice what
// has come: a length alone costs its sender nothing.
func readExactly(r io.Reader, size int) ([]byte, error) {
	data := make([]byte, 0, min(size, streamBuffer))
	for len(data) < size {
		if len(data) == cap(data) {
			data = append(make([]byte, 0, min(size, 2*cap(data))), data...)
		}
		n, err := io.ReadFull(r, data[len(data):min(cap(data), size)])
		if data = data[:len(data)+n]; err != nil {
			return nil, err
		}
	}
	return data, nil
}

// appendFramed appends a packet and its header.
func appendFramed(dst []byte, p Outgoing) []byte {
	kind := byte(0)
	switch {
	case len(p.wire) == 0:
		return append(dst, 1, 'b') // as base64: a length of 0 is an error
	case p.binary:
		kind = streamBinary
	}
	switch size := len(p.wire); {
	case size < streamLen16:
		dst = append(dst, kind|byte(size))
	case size <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, kind|streamLen16), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, kind|streamLen64), uint64(size))
	}
	return append(dst, p.wire...)
}

func (s *stream) write(p Outgoing) error {
	if _, err := s.w.Write(appendFramed(s.w.AvailableBuffer(), p)); err != nil {
		return err
	}
	if s.holds {
		return nil
	}
	return s.w.Flush()
}

func (s *stream) tryWrite(Outgoing) (bool, error) { return false, nil }

func (s *stream) tryBatch([]Outgoing) int { return 0 }

func (s *stream) batch(f func() error) error {
	s.holds = true
	err := f()
	s.holds = false
	return errors.Join(err, s.w.Flush())
}

// streamGrace is how long a stream that was closed waits for the other side to
// close it as well, which shows that it has got everything.
const streamGrace = time.Second

// close ends our direction, waits a little for the other, and ends the
// connection. The code has no place here.
func (s *stream) close(ws.StatusCode) {
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		grace := time.NewTimer(streamGrace)
		defer grace.Stop()
		select {
		case <-s.done:
		case <-grace.C:
		}
	}
	s.closeNow()
}

func (s *stream) closeNow() { _ = s.conn.Close() }

func (s *stream) addrs() (local, remote net.Addr) { return s.conn.LocalAddr(), s.conn.RemoteAddr() }

// handle has a goroutine take what comes.
func (s *stream) handle(session *Session, flow trace.Flow) {
	go func() {
		defer session.server.running.Done()
		for {
			p, err := s.read(context.Background())
			if err != nil {
				session.end(connectionEnd(err), err)
				s.closeNow()
				return
			}
			session.receive(p, flow)
		}
	}()
}

// ServeStream serves a session, or the change of one, over a byte stream that a
// request opens: HTTP/3's WebTransport, for which there is package
// strata/socketio/webtransport. Where the request is allowed, open is called to
// answer it and to wait, until its context ends, for the stream that the client
// opens; otherwise w is answered. The origin of a page is open's to check, see
// [Server.AllowsOrigin]. Closing the stream has to end the connection; where it
// has a method CloseWrite that is called before.
//
// The official client's URL has no query: the first packet alone says what is
// opened.
func (s *Server) ServeStream(w http.ResponseWriter, r *http.Request, open func(ctx context.Context) (net.Conn, error)) {
	q := parseQuery(r.URL.RawQuery)
	silent := q == query{}
	if silent {
		q.transport, q.version = WebTransport, "4"
	}
	session, no, why := s.verify(r, q, WebTransport)
	if no != nil {
		s.refuse(w, r, no, why, false)
		return
	}
	s.begin(w, func() {
		ctx, cancel := context.WithTimeout(r.Context(), s.opts.UpgradeTimeout)
		defer cancel()
		conn, err := open(ctx)
		if err != nil {
			s.running.Done()
			return // it has answered
		}
		c := newStream(conn, s.opts.MaxPayload)
		carried := false
		defer func() {
			if !carried {
				c.closeNow()
			}
		}()
		p, err := c.read(ctx)
		sid, ok := opening(p)
		if err == nil && ok && silent && sid != "" {
			q.sid, q.hasSID = sid, true
			session, no, _ = s.verify(r, q, WebTransport)
		}
		if err != nil || !ok || no != nil || sid != q.sid {
			s.counters.refused.Add(1)
			s.running.Done()
			return
		}
		s.carry(c, r, q, session)
		carried = true
	})
}

// opening reads the first packet of a stream: the id of the session that is to
// change to it, "" for a new one.
func opening(p packet) (sid string, ok bool) {
	if p.typ != packetOpen || p.binary {
		return "", false
	}
	var data struct {
		SID string `json:"sid"`
	}
	if len(p.data) > 0 && json.Unmarshal(p.data, &data) != nil {
		return "", false
	}
	return data.SID, true
}

// AllowsOrigin reports whether a request may come from the page that it comes
// from, by Options.AllowedOrigins: from no page, from the server's own, or from
// an allowed one.
func (s *Server) AllowsOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || matchOrigin(s.opts.AllowedOrigins, origin) {
		return true
	}
	_, host, _ := strings.Cut(origin, "://")
	return strings.EqualFold(host, r.Host)
}
