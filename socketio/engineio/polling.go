package engineio

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"net/http"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"strata/trace"
)

// Long-polling: the client always has a GET waiting, which is answered as soon
// as there is something to say, and sends by POST
// (https://socket.io/docs/v4/engine-io-protocol/#http-long-polling). There is
// at most one of each at a time.

var (
	errOverlap      = errors.New("two requests of the same kind at a time")
	errContent      = errors.New("binary request body: version 4 sends text")
	errPollGone     = errors.New("poll connection closed prematurely")
	errPostGone     = errors.New("data request connection closed prematurely")
	errCloseTimeout = errors.New("the client did not fetch the rest in time")
)

// noopDelay is how long a poll waits while the client changes to a WebSocket:
// it has to end so that the client can go on, but a client that has not yet
// noticed must not come again at once.
const noopDelay = 100 * time.Millisecond

// openPolling opens a session and answers with its open packet.
func (s *Server) openPolling(w http.ResponseWriter, r *http.Request, q query) {
	session, err := s.open(r, q, Polling)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	session.accept()
	s.setCookie(w, session.id)
	session.servePoll(w, r, q)
}

// wakePoll has the GET that waits answered. The caller has mu.
func (s *Session) wakePoll() {
	if s.wake != nil {
		select {
		case s.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// claim takes the session for a request of a kind of which there may be one at a
// time: what busy points to says whether there is. Where it reports true the
// caller has mu; otherwise the answer is written.
func (s *Session) claim(w http.ResponseWriter, busy *bool) bool {
	s.mu.Lock()
	switch {
	case s.state == closed:
		s.mu.Unlock()
		unknownSID.write(w, false)
	case s.transport != Polling:
		s.mu.Unlock()
		badRequest.write(w, false)
	case *busy:
		s.mu.Unlock()
		s.end(TransportError, errOverlap)
		w.WriteHeader(http.StatusBadRequest)
	default:
		*busy = true
		return true
	}
	return false
}

// servePoll answers a GET.
func (s *Session) servePoll(w http.ResponseWriter, r *http.Request, q query) {
	flow := s.server.trace.requestFlow(r)
	if !s.claim(w, &s.polling) {
		return
	}
	s.flow = flow
	wake := make(chan struct{}, 1)
	s.wake = wake
	var noop <-chan time.Time
	if s.probed {
		timer := time.NewTimer(noopDelay)
		defer timer.Stop()
		noop = timer.C
	}
	wait := len(s.queue.packets) == 0 && s.state == open
	s.mu.Unlock()

	if wait {
		select {
		case <-wake:
		case <-noop:
		case <-r.Context().Done():
			s.mu.Lock()
			s.polling, s.wake = false, nil
			s.mu.Unlock()
			s.requestGone(errPollGone)
			return
		}
	}

	s.mu.Lock()
	s.polling, s.wake = false, nil
	packets := s.queue.take()
	s.wrote(packets...)
	// What was sent before the close has an answer of its own: the official
	// client acts on a close before the messages that came along with it.
	last := s.state == closed || s.state == closing && len(packets) == 0
	if last {
		packets = append(packets, outgoingPacket(packetClose, ""))
	}
	s.mu.Unlock()
	if len(packets) == 0 {
		packets = append(packets, outgoingPacket(packetNoop, ""))
	}
	if s.server.trace.on(flow) {
		for _, p := range packets {
			s.server.trace.engine(trace.Out, flow, p.typ(), s.id, Polling, p.dataLen())
		}
	}
	body, contentType := s.payload(packets, q)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	body = s.server.compress(h, r, packets, body)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that is gone will be missed by the heartbeat
	s.mu.Lock()
	s.queue.reuse(packets)
	s.mu.Unlock()
	if last {
		s.end(ForcedClose, nil)
	}
}

// payload is packets as the answer to a poll.
func (s *Session) payload(packets []Outgoing, q query) (body []byte, contentType string) {
	if !s.v3() {
		return appendPayload(nil, packets), "text/plain; charset=UTF-8"
	}
	body, binary := appendPayload3(nil, packets, !q.textOnly && !q.isJSONP)
	switch {
	case q.isJSONP:
		return appendJSONP(nil, q.jsonp, body), "text/javascript; charset=UTF-8"
	case binary:
		return body, "application/octet-stream"
	}
	return body, "text/plain; charset=UTF-8"
}

// servePost takes the packets of a POST.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request, q query) {
	flow := s.server.trace.requestFlow(r)
	binary := r.Header.Get("Content-Type") == "application/octet-stream"
	if binary && !s.v3() {
		s.end(TransportError, errContent)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !s.claim(w, &s.posting) {
		return
	}
	s.mu.Unlock()

	body, status := s.readBody(w, r)
	if status != 0 {
		s.donePosting()
		w.WriteHeader(status)
		return
	}
	for p, err := range s.split(body, binary, q) {
		if err != nil {
			s.end(ParseError, err)
			break
		}
		s.receive(p, flow)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html") // as the official server: it kept old browsers from offering a download
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "2")
	// Before the answer: the client's next POST may come as soon as it is out.
	s.donePosting()
	_, _ = io.WriteString(w, "ok")
}

// requestGone ends the session because a request of it was cut short, unless a
// WebSocket carries it by now.
func (s *Session) requestGone(err error) {
	if s.Transport() == Polling {
		s.end(TransportError, err)
	}
}

func (s *Session) donePosting() {
	s.mu.Lock()
	s.posting = false
	s.mu.Unlock()
}

// readBody reads a POST, up to MaxPayload, or says with which status it is
// refused (CVE-2020-36048: an unlimited body is memory for the asking).
func (s *Session) readBody(w http.ResponseWriter, r *http.Request) (body []byte, status int) {
	limit := int64(s.server.opts.MaxPayload)
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, http.StatusRequestEntityTooLarge
	}
	// A body that does not come holds us no longer than the heartbeat would
	// hold its session. Not every ResponseWriter can do that.
	patience := s.server.opts.PingInterval + s.server.opts.PingTimeout
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout
	case err != nil:
		s.requestGone(errPostGone)
		return nil, http.StatusBadRequest
	}
	_ = conn.SetReadDeadline(time.Time{}) // the handlers may take longer
	return body, 0
}

// split goes through the packets of a request's body.
func (s *Session) split(body []byte, binary bool, q query) iter.Seq2[packet, error] {
	if s.v3() && q.isJSONP {
		body = parseJSONP(body)
	}
	if !binary && !utf8.Valid(body) {
		// As a browser or Node would read it. What is passed on as text over
		// a WebSocket has to be UTF-8.
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	if s.v3() {
		return splitPayload3(body, binary)
	}
	return splitPayload(body)
}
