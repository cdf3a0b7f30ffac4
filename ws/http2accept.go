package ws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"strata/trace"
)

// headerPseudoProtocol is where net/http has the pseudo-header of an extended
// CONNECT (RFC 8441 §4).
const headerPseudoProtocol = ":protocol"

// checkExtendedConnect judges what HTTP/2 asks by (RFC 8441 §5): neither Upgrade
// nor a key, which are HTTP/1.1's.
func checkExtendedConnect(r *http.Request) *refusal {
	switch protocol := r.Header.Get(headerPseudoProtocol); {
	case r.Method != http.MethodConnect || protocol == "":
		return refuse(http.StatusBadRequest, "this address speaks WebSocket; the request is %s over HTTP/2, not an extended CONNECT (RFC 8441)", r.Method)
	case !strings.EqualFold(protocol, "websocket"):
		return refuse(http.StatusNotImplemented, "extended CONNECT for the protocol %.40q; this address speaks websocket", protocol)
	case r.ContentLength != -1:
		return refuse(http.StatusBadRequest, "the request has a Content-Length, or ends with its headers; what follows is frames")
	}
	no := checkVersion(r.Header)
	if no != nil && no.status == http.StatusUpgradeRequired {
		no.status = http.StatusBadRequest // 426 needs an Upgrade header, which HTTP/2 does not have
	}
	return no
}

// acceptHTTP2 answers an extended CONNECT. The opened stream is the connection.
func (opts *AcceptOptions) acceptHTTP2(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	agreed, no := negotiate(r, opts, checkExtendedConnect)
	if no != nil {
		return nil, writeRefusal(w, r, no)
	}
	// The deadlines of the http.Server were for a request.
	control := http.NewResponseController(w)
	if err := errors.Join(control.SetReadDeadline(never), control.SetWriteDeadline(never)); err != nil {
		return nil, writeRefusal(w, r, refuse(http.StatusNotImplemented, "take the stream over from %T: %w", w, err))
	}
	h := w.Header()
	for name := range ownHeaders {
		h.Del(name)
	}
	if agreed.subprotocol != "" {
		h.Set(headerProtocol, agreed.subprotocol)
	}
	if agreed.extensions != "" {
		h.Set(headerExtensions, agreed.extensions)
	}
	c := newConn(newServerStream(w, control, r), opts.config(agreed, nil))
	c.tracer.request(trace.In, r.Method, r.RequestURI, "")
	c.tracer.response(trace.Out, http.StatusOK, "")
	w.WriteHeader(http.StatusOK)
	if err := control.Flush(); err != nil {
		err = fmt.Errorf("write the response: %w", err)
		c.end(err)
		return nil, acceptError(r, err)
	}
	if opts.Greet != nil {
		if err := c.greet(opts.Greet, nil); err != nil {
			return nil, acceptError(r, err)
		}
	}
	return c, nil
}

// serverStream is the stream of a request that a handler has.
type serverStream struct {
	*httpStream
	w       http.ResponseWriter
	control *http.ResponseController
	request *http.Request

	mu      sync.Mutex
	writing bool // w is being used
	closed  bool // it is not to be used any more
}

var errHandlerReturned = errors.New("it was reset, or its handler returned")

// newServerStream is the stream of a request whose response's header is sent.
func newServerStream(w http.ResponseWriter, control *http.ResponseController, r *http.Request) *httpStream {
	var local net.Addr = streamAddr(r.Host)
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		local = a
	}
	s := &serverStream{httpStream: newHTTPStream(local, parseAddr(r.RemoteAddr)), w: w, control: control, request: r}
	s.released = make(chan struct{})
	returned := context.AfterFunc(r.Context(), func() {
		s.brokeWriting(errHandlerReturned)
		s.frames.Close()
	})
	var users sync.WaitGroup
	users.Go(func() { s.receive(r.Body) })
	users.Go(s.send)
	s.end = sync.OnceFunc(func() {
		returned()
		r.Body.Close()
		s.giveUp()
		go func() {
			users.Wait()
			close(s.released)
		}()
	})
	return s.httpStream
}

// send sends what is written, until the stream is closed or broken.
func (s *serverStream) send() {
	defer s.frames.Close()
	buf := make([]byte, receiveBuffer)
	for {
		n, err := s.frames.Read(buf)
		if err != nil {
			return
		}
		if n == 0 {
			continue // somebody waits for what was before
		}
		if err := s.write(buf[:n]); err != nil {
			s.brokeWriting(err)
			return
		}
	}
}

func (s *serverStream) write(p []byte) (err error) {
	if !s.use(true) {
		return net.ErrClosed
	}
	defer s.use(false)
	// net/http panics where the handler has returned. That handler is wrong,
	// but here it would take the whole program with it.
	defer func() {
		if recover() != nil {
			err = errHandlerReturned
		}
	}()
	if _, err := s.w.Write(p); err != nil {
		return err
	}
	return s.control.Flush()
}

// use begins, or ends, the use of w, and reports whether it may be used.
func (s *serverStream) use(begin bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = begin && !s.closed && s.request.Context().Err() == nil
	return s.writing
}

// giveUp ends the use of w. What is being sent is for a peer that does not read:
// the stream is reset.
func (s *serverStream) giveUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.writing && s.request.Context().Err() == nil {
		_ = s.control.SetWriteDeadline(past) // it was set to nothing before, so it can be
	}
}
