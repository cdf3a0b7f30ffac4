package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"strata/trace"
)

// routes are what may be asked for.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	add := func(pattern string, methods map[string]http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f := methods[r.Method]
			if r.Method == http.MethodHead {
				f = methods[http.MethodGet]
			}
			if f == nil {
				var allowed []string
				for m := range methods {
					allowed = append(allowed, m)
				}
				slices.Sort(allowed)
				w.Header().Set("Allow", strings.Join(allowed, ", "))
				refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("%s %s: must be %s", r.Method, r.URL.Path, strings.Join(allowed, " or ")))
				return
			}
			f(w, r)
		})
	}
	get := func(f http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{http.MethodGet: f}
	}
	add("/{$}", get(s.asset))
	add("/assets/{name}", get(s.asset))
	add("/timeline.html", get(s.timeline))
	add("/api/state", get(s.state))
	add("/api/connections", get(s.connections))
	add("/api/events", get(s.events))
	add("/api/messages", get(s.messages))
	add("/api/wires/{id}/shape", map[string]http.HandlerFunc{http.MethodGet: s.wire(s.shape), http.MethodPost: s.wire(s.setShape)})
	for verb, do := range map[string]func(*steered, []*way) error{
		"blackhole": (*steered).blackhole, "down": (*steered).down, "up": (*steered).up, "drop-next-syn-ack": (*steered).dropNextSYNACK,
	} {
		add("/api/wires/{id}/"+verb, map[string]http.HandlerFunc{http.MethodPost: s.wire(func(w http.ResponseWriter, r *http.Request, wire *steered, ways []*way) {
			if err := do(wire, ways); err != nil {
				refuse(w, http.StatusConflict, err)
				return
			}
			answer(w, tellWire(wire))
		})})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Errorf("%s: there is no such thing here", r.URL.Path))
	})
	return mux
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // who has gone needs no answer
}

// refuse answers with an error, in one line.
func refuse(w http.ResponseWriter, status int, err error) {
	b, _ := json.Marshal(map[string]string{"error": strings.Join(strings.Fields(err.Error()), " ")})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// asset serves the page and what belongs to it.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if name == "" {
		name = "page.html"
	}
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		refuse(w, http.StatusNotFound, fmt.Errorf("%s: there is no such thing here", r.URL.Path))
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(b)
}

// timeline serves a page of its own: all that is kept, to be looked at at leisure
// and saved. What it may do is in it (see package page).
func (s *Server) timeline(w http.ResponseWriter, _ *http.Request) {
	s.config.Recorder.watch()
	b, err := s.explain.timeline(s.config.Title)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b)
}

func (s *Server) state(w http.ResponseWriter, _ *http.Request) {
	s.config.Recorder.watch()
	answer(w, s.tellState())
}

func (s *Server) connections(w http.ResponseWriter, r *http.Request) {
	limit, err := number(r, "limit", 200, 1, 10_000)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	s.config.Recorder.watch()
	answer(w, s.tellConnections(limit))
}

func (s *Server) messages(w http.ResponseWriter, _ *http.Request) {
	s.config.Recorder.watch()
	answer(w, map[string]any{"messages": s.explain.messages()})
}

const (
	maxEvents = 500 // in one answer
	maxWait   = 10  // seconds
)

// event is one of GET /api/events.
type event struct {
	Number uint64      `json:"number"`
	Text   string      `json:"text"`
	Event  trace.Event `json:"event"`
}

// events answers with the events from a number on, and waits for one where there
// is none.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	since, err := number(r, "since", 0, 0, 1<<62)
	wait, err2 := number(r, "wait", 0, 0, maxWait)
	wanted, err3 := wants(r.URL.Query().Get("of"))
	newest, err4 := number(r, "newest", 0, 1, maxEvents)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	rec := s.config.Recorder
	rec.watch()
	find, most := rec.since, maxEvents
	if newest > 0 {
		find, most = rec.newest, newest
	}
	events, next, lost := find(uint64(since), most, wanted)
	if len(events) == 0 && wait > 0 {
		select {
		case s.waiting <- struct{}{}:
			defer func() { <-s.waiting }()
		default:
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, fmt.Errorf("%d requests wait for events already", maxWaiting))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait)*time.Second)
		defer cancel()
		for len(events) == 0 && ctx.Err() == nil {
			rec.wait(ctx, next)
			var more uint64
			events, next, more = find(next, most, wanted)
			lost += more
		}
	}
	told := make([]event, len(events))
	for i, e := range events {
		told[i] = event{e.number, e.What.String(), e.Event}
	}
	answer(w, map[string]any{"events": told, "next": next, "lost": lost, "leftOut": rec.leftOut.Load()})
}

// wants says which events there shall be: all, or those that a ladder shows.
func wants(of string) (func(trace.Event) bool, error) {
	switch of {
	case "", "all":
		return func(e trace.Event) bool { return e.What != nil }, nil
	case "ladder":
		return func(e trace.Event) bool {
			switch what := e.What.(type) {
			case nil, trace.Stream, trace.Sender:
				return false
			case trace.Passage: // those that arrive are segments at their hosts
				return what.Dropped != ""
			case trace.TLSRecord:
				return what.Step != ""
			}
			return true
		}, nil
	}
	return nil, fmt.Errorf("of=%q: must be all or ladder", of)
}

// number reads a parameter of the query.
func number(r *http.Request, name string, otherwise, least, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s=%q: must be a number from %d to %d", name, text, least, most)
	}
	return n, nil
}

// wire finds the wire and the directions that a request is for.
func (s *Server) wire(f func(http.ResponseWriter, *http.Request, *steered, []*way)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		i := slices.IndexFunc(s.wires, func(o *steered) bool { return o.Name == id })
		if i < 0 {
			var names []string
			for _, o := range s.wires {
				names = append(names, o.Name)
			}
			refuse(w, http.StatusNotFound, fmt.Errorf("wire %q: there is no such wire, but %s", id, strings.Join(names, ", ")))
			return
		}
		ways, err := s.wires[i].ways(r.URL.Query().Get("direction"))
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		f(w, r, s.wires[i], ways)
	}
}

func (s *Server) shape(w http.ResponseWriter, _ *http.Request, _ *steered, ways []*way) {
	told := map[string]shape{}
	for _, way := range ways {
		told[way.id] = tellShape(way.Shape())
	}
	answer(w, told)
}

func (s *Server) setShape(w http.ResponseWriter, r *http.Request, wire *steered, ways []*way) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			status, err = http.StatusRequestEntityTooLarge, fmt.Errorf("shape: longer than %d bytes", maxBody)
		}
		refuse(w, status, err)
		return
	}
	parsed, err := readShape(body)
	if err == nil {
		err = wire.set(ways, parsed)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	answer(w, tellWire(wire))
}
