package ws

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// UpgradeOptions are the wishes of a server without net/http. The zero value
// works.
type UpgradeOptions struct {
	AcceptOptions

	// Check is asked whether a request that is a good handshake is welcome,
	// and for what: it sees the path, the query and the headers, and may set
	// headers of the response. status is that of a refusal (401, 404); 0
	// accepts. nil: all are welcome.
	Check func(r *http.Request, response http.Header) (status int)

	// HandshakeTimeout bounds all of the handshake, however slowly it comes.
	// 0: 10 s.
	HandshakeTimeout time.Duration

	// MaxLine is the longest line of the request, bytes; 0: 8 KiB.
	// MaxHeaders is how many headers it may have; 0: 100. MaxHeaderBytes is
	// how large all of it may be; 0: 16 KiB.
	MaxLine, MaxHeaders, MaxHeaderBytes int
}

const (
	defaultHandshakeTimeout = 10 * time.Second
	defaultMaxLine          = 8 << 10
	defaultMaxHeaders       = 100
	defaultMaxHeaderBytes   = 16 << 10
)

// Upgrade reads a client's opening handshake from conn and answers it, without
// net/http: what it costs is this connection and nothing else. opts may be nil.
// The errors and the answers to what is refused are those of [Accept], and 408
// for a request that is not there in time, 414 and 431 for one that is too long.
// Where there is an error conn is closed.
func Upgrade(conn net.Conn, opts *UpgradeOptions) (*Conn, error) {
	if opts == nil {
		opts = &UpgradeOptions{}
	}
	c, err := opts.upgrade(conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("ws: upgrade of %v: %w", conn.RemoteAddr(), err)
	}
	return c, nil
}

func (opts *UpgradeOptions) upgrade(conn net.Conn) (*Conn, error) {
	now, timeout := opts.Now, opts.HandshakeTimeout
	if now == nil {
		now = time.Now
	}
	if timeout <= 0 {
		timeout = defaultHandshakeTimeout
	}
	if err := conn.SetDeadline(now().Add(timeout)); err != nil {
		return nil, err
	}
	r, buffered, no, err := opts.readRequest(conn)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	response := make(http.Header)
	var agreed agreement
	if no == nil {
		agreed, no = negotiate(r, &opts.AcceptOptions, checkUpgrade)
	}
	if no == nil && opts.Check != nil {
		if status := opts.Check(r, response); status != 0 {
			no = refuse(status, "%s", http.StatusText(status))
		}
	}
	if no != nil {
		sendRefusal(conn, no, response, now().Add(time.Second))
		return nil, fmt.Errorf("answered %d: %w", no.status, no.err)
	}
	return opts.open(conn, buffered, r, response, agreed)
}

// readRequest reads the request, and what came behind it. no is the answer to one
// that is none.
func (opts *UpgradeOptions) readRequest(conn net.Conn) (r *http.Request, rest []byte, no *refusal, err error) {
	p := requestParser{maxLine: opts.MaxLine, maxHeaders: opts.MaxHeaders}
	maxBytes := opts.MaxHeaderBytes
	if p.maxLine <= 0 {
		p.maxLine = defaultMaxLine
	}
	if p.maxHeaders <= 0 {
		p.maxHeaders = defaultMaxHeaders
	}
	if maxBytes <= 0 {
		maxBytes = defaultMaxHeaderBytes
	}
	mem := newSmallBuffer()
	defer mem.put()
	buf, w := mem.bytes(), 0
	for {
		n, err := conn.Read(buf[w:])
		w += n
		taken, done, no := p.parse(buf[:w])
		switch {
		case no != nil:
			return nil, nil, no, nil
		case done:
			return p.request, bytes.Clone(buf[taken:w]), nil, nil
		case w >= maxBytes:
			return nil, nil, refuse(http.StatusRequestHeaderFieldsTooLarge, "the request has more than %d bytes", maxBytes), nil
		case n > 0:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, nil, refuse(http.StatusRequestTimeout, "the request did not come in time: %w", err), nil
		case err != nil:
			return nil, nil, nil, err
		}
		if w == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// sendRefusal answers a request that is refused. What of it still comes is
// discarded until the peer closes or the time is over: a connection that is
// closed with unread data is reset, and the reset overtakes the answer.
func sendRefusal(conn net.Conn, no *refusal, h http.Header, until time.Time) {
	no.setHeaders(h)
	text := no.text() + "\n"
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Connection") == "" {
		h.Set("Connection", "close")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", no.status, http.StatusText(no.status), len(text))
	if h.WriteSubset(&b, map[string]bool{"Content-Length": true}) != nil {
		return
	}
	b.WriteString("\r\n" + text)
	if conn.SetDeadline(until) != nil {
		return
	}
	if _, err := conn.Write(b.Bytes()); err != nil {
		return
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	mem := newSmallBuffer()
	defer mem.put()
	for {
		if _, err := conn.Read(mem.bytes()); err != nil {
			return
		}
	}
}
