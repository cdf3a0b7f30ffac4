package site

import (
	"context"
	_ "embed"
	"errors"
	"net"
	"net/http"
	"time"

	"strata/socketio"
	"strata/trace"
)

// Config says who is told what happens. The zero value is nobody.
type Config struct {
	Recorder trace.Recorder
	Host     string // the host's name in traces
}

// Site is the handler of all of it.
type Site struct {
	config Config
	mux    *http.ServeMux
	echo   *echo
	io     *socketio.Server

	bodyTimeout time.Duration
}

var _ http.Handler = (*Site)(nil)

//go:embed page.html
var page []byte

// New makes the site. Close it.
func New(c Config) *Site {
	s := &Site{
		config: c,
		mux:    http.NewServeMux(),
		echo:   newEcho(c),
		io:     socketio.NewServer(&socketio.Options{Recorder: c.Recorder, Host: c.Host}),

		bodyTimeout: bodyTimeout,
	}
	s.io.OnConnection(func(client *socketio.Socket) {
		client.On("chat message", func(text string) {
			s.io.Emit("chat message", text)
		})
		client.On("hello", func(name string, ack func(string)) {
			ack("hello, " + name)
		})
	})
	s.mux.Handle("GET /{$}", s.traced(http.HandlerFunc(s.page)))
	s.mux.Handle("/echo", s.echo)
	s.mux.Handle("/socket.io/", s.io)
	s.mux.Handle("/", s.traced(http.NotFoundHandler()))
	return s
}

// bodyTimeout is how long a request's body may take that nobody wants: net/http
// reads it to its end before it goes on.
const bodyTimeout = 10 * time.Second

// ServeHTTP serves the site.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 { // -1: nobody knows
		// Who wants the body gives it a time of its own. Without one the
		// deadline would end the wait of a poll instead.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTimeout))
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Site) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	// Everything the page needs is in it.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:")
	w.Write(page)
}

// Close ends the conversations: WebSockets with 1001 (going away), Socket.IO
// clients with their disconnect. It returns when they are gone, or with ctx.
func (s *Site) Close(ctx context.Context) error {
	done := make(chan error)
	go func() { done <- s.io.Close(ctx) }()
	return errors.Join(s.echo.close(ctx), <-done)
}

// traced reports the requests and answers of handlers that do not do it
// themselves, as the WebSocket's and Socket.IO's do.
func (s *Site) traced(next http.Handler) http.Handler {
	if s.config.Recorder == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flow := flowOf(r)
		report := func(dir trace.Direction, what trace.HTTP) {
			s.config.Recorder.Record(trace.Event{At: time.Now(), Host: s.config.Host, Dir: dir, Flow: flow, What: what})
		}
		report(trace.In, trace.HTTP{Method: r.Method, Path: r.URL.RequestURI()})
		status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(status, r)
		report(trace.Out, trace.HTTP{Status: status.status})
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// flowOf is the connection that a request came on.
func flowOf(r *http.Request) trace.Flow {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return trace.FlowOf(local, remoteAddr(r.RemoteAddr))
}

// remoteAddr is "host:port" as an address.
type remoteAddr string

func (remoteAddr) Network() string  { return "tcp" }
func (a remoteAddr) String() string { return string(a) }
