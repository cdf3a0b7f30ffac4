package ws

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"strata/trace"
)

// AcceptOptions are a server's wishes. The zero value works.
type AcceptOptions struct {
	// Subprotocols are those the server speaks, the preferred first. The
	// first that the client offers too is agreed on; none where there is
	// none in common.
	Subprotocols []string

	// OriginPatterns are the hosts from whose pages browsers may connect
	// beside the server's own, as in path.Match, in any case: "example.com",
	// "*.example.com:8080", or with a scheme, "https://example.com". "*"
	// allows every origin. Requests without an Origin are not from browsers
	// and always allowed. Empty: the request's own host only.
	OriginPatterns []string

	// ReadLimit is the largest message read, bytes, after it is inflated. 0:
	// 1 MiB; negative: none, see [Conn.SetReadLimit].
	ReadLimit int64

	// CloseTimeout bounds the closing handshake, and the writing of the
	// handshake's response and of each control frame. 0: 5 s.
	CloseTimeout time.Duration

	// WriteTimeout bounds the writing of each frame, and of each 64 KiB of what is
	// larger or was held, beside its context: a peer that does not read for longer
	// is given up. It is kept to within a half, and begins again where the peer took
	// 1 KiB; not over TLS. 0: none, but 10 s for frames that a Batch or a Handler
	// holds.
	WriteTimeout time.Duration

	// Compression is how messages are compressed, where the client offers
	// it. nil: they are not.
	Compression *Compression

	// KeepAlive pings a client that is silent. The zero value: it does not.
	KeepAlive KeepAlive

	// Greet writes what the server says first: it leaves with the response, in
	// one write, which is bounded as what a Batch holds; over HTTP/2 right behind
	// it. It must not wait for the client, who has no response yet. What is left
	// of its writes where the connection fails is for Accept to say. Where it
	// panics the connection is ended. nil: the response leaves by itself.
	Greet func(c *Conn)

	// Recorder is told of the upgrade and of every frame. nil: nobody.
	Recorder trace.Recorder

	// Host is the host's name in what the Recorder is told.
	Host string

	// Now is the clock for deadlines and the trace. nil: time.Now.
	Now func() time.Time
}

// Accept answers a client's opening handshake (RFC 6455 §4.2) and takes the
// connection over from net/http. Headers that are set on w go with the answer.
// opts may be nil.
//
// Where the request is refused the HTTP answer is written and the error says
// why: 400 for what is no handshake, 403 for a foreign origin, 405 for a method
// that is not GET, 426 for a version that is not 13, 500 or 501 where this
// server cannot. The handler has only to return. The Conn lives on after the
// handler has returned; whoever has it closes it.
//
// Over HTTP/2 (RFC 8441; net/http allows it with GODEBUG=http2xconnect=1 in the
// environment) the method is CONNECT, which a pattern of http.ServeMux that says
// GET does not match, and the connection is a stream that ends when the handler
// returns: the handler closes the Conn first, or waits for [Conn.Done]. It is
// served the same way otherwise, with two goroutines and 32 KiB more.
func Accept(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	if opts == nil {
		opts = &AcceptOptions{}
	}
	if r.ProtoMajor == 2 {
		return opts.acceptHTTP2(w, r)
	}
	agreed, no := negotiate(r, opts, checkUpgrade)
	if no != nil {
		return nil, writeRefusal(w, r, no)
	}
	conn, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, http.ErrNotSupported) {
			status = http.StatusNotImplemented
		}
		return nil, writeRefusal(w, r, refuse(status, "take the connection over from %T: %w", w, err))
	}
	// What the client sent along with its request is already read.
	buffered, err := brw.Reader.Peek(brw.Reader.Buffered())
	if err != nil {
		conn.Close()
		return nil, acceptError(r, err)
	}
	c, err := opts.open(conn, buffered, r, w.Header(), agreed)
	if err != nil {
		return nil, acceptError(r, err)
	}
	return c, nil
}

// open makes the connection and writes the response, with headers of the
// handler's. On an error conn is closed.
func (opts *AcceptOptions) open(conn net.Conn, buffered []byte, r *http.Request, extra http.Header, agreed agreement) (*Conn, error) {
	c := newConn(conn, opts.config(agreed, buffered))
	key := r.Header[headerKey][0]
	c.tracer.request(trace.In, r.Method, r.RequestURI, key)
	if err := c.respond(c.response(extra, acceptKey(key), agreed), opts.Greet); err != nil {
		err = fmt.Errorf("write the response: %w", err)
		c.end(err)
		return nil, err
	}
	return c, nil
}

func (opts *AcceptOptions) config(agreed agreement, buffered []byte) connConfig {
	return connConfig{
		subprotocol:  agreed.subprotocol,
		readLimit:    opts.ReadLimit,
		closeTimeout: opts.CloseTimeout,
		writeTimeout: opts.WriteTimeout,
		keepAlive:    opts.KeepAlive,
		compression:  opts.Compression,
		deflate:      agreed.deflate,
		buffered:     buffered,
		recorder:     opts.Recorder,
		host:         opts.Host,
		now:          opts.Now,
	}
}

// writeRefusal writes the HTTP answer and makes the error.
func writeRefusal(w http.ResponseWriter, r *http.Request, no *refusal) error {
	no.setHeaders(w.Header())
	http.Error(w, no.text(), no.status)
	return acceptError(r, fmt.Errorf("answered %d: %w", no.status, no.err))
}

func acceptError(r *http.Request, err error) error {
	return fmt.Errorf("ws: accept %.100q from %s: %w", r.URL.Path, r.RemoteAddr, err)
}

// ownHeaders are those of the response that are not the handler's to set.
var ownHeaders = map[string]bool{
	"Upgrade": true, "Connection": true, "Content-Length": true, "Transfer-Encoding": true,
	headerAccept: true, headerProtocol: true, headerExtensions: true,
}

// response is the 101 (RFC 6455 §4.2.2).
func (c *Conn) response(extra http.Header, accept string, agreed agreement) []byte {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n")
	if c.subprotocol != "" {
		b.WriteString("Sec-WebSocket-Protocol: " + c.subprotocol + "\r\n")
	}
	if agreed.extensions != "" {
		b.WriteString("Sec-WebSocket-Extensions: " + agreed.extensions + "\r\n")
	}
	_ = extra.WriteSubset(&b, ownHeaders) // a buffer takes everything
	b.WriteString("\r\n")
	c.tracer.response(trace.Out, http.StatusSwitchingProtocols, accept)
	return b.Bytes()
}

// respond writes the response, with the greeting behind it, and takes off the
// deadlines that the HTTP server had for the request.
func (c *Conn) respond(response []byte, greet func(*Conn)) error {
	if greet != nil && len(response) <= largeBuffer {
		if err := c.conn.SetDeadline(never); err != nil {
			return err
		}
		return c.greet(greet, response)
	}
	if err := c.conn.SetDeadline(c.now().Add(c.closeTimeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(response); err != nil {
		return err
	}
	if err := c.conn.SetDeadline(never); err != nil || greet == nil {
		return err
	}
	return c.greet(greet, nil)
}

// greet has greet's writes leave together, behind the response where it is not nil.
func (c *Conn) greet(greet func(*Conn), response []byte) error {
	return c.Batch(func() error {
		greeted := false
		defer func() {
			if !greeted {
				c.CloseNow() // nobody else has it yet
			}
		}()
		if response != nil {
			c.holdResponse(response)
		}
		greet(c)
		greeted = true
		return nil
	})
}
