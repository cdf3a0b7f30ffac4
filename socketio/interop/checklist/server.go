package checklist

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"strata/socketio"
)

// Server is a server with what the clients ask for. opts may be nil.
func Server(opts *socketio.Options) *socketio.Server {
	io := socketio.NewServer(opts)
	var mu sync.Mutex
	flaky := map[int]bool{}
	io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(args ...any) []any { return append([]any{}, args...) })
		s.On("nested", func(v any) any { return v })
		s.On("ask me", func(ctx context.Context, n int) (int, error) {
			answer, err := s.EmitWithAck(ctx, "question", n)
			if err != nil {
				return 0, err
			}
			return n, answer.Decode(&n)
		})
		s.On("id", func() string { return s.ID() })
		s.On("fail", func() (int, error) { return 0, errors.New("on purpose") })
		s.On("n", func(n int) { _ = s.Emit("n", n) })
		s.On("join", func(room string) error { s.Join(room); return nil })
		s.On("poll room", func(ctx context.Context, room string) ([]string, error) {
			answers, err := io.To(room).EmitWithAck(ctx, "who")
			var names []string
			for _, a := range answers {
				var name string
				if err := a.Decode(&name); err != nil {
					return nil, err
				}
				names = append(names, name)
			}
			slices.Sort(names)
			return names, err
		})
		s.On("say to others in", func(room string) error { return s.To(room).Emit("said") })
		s.On("kick me", func(conn bool) { s.Disconnect(conn) })
		s.On("flaky", func(n int, ack func(int)) {
			mu.Lock()
			defer mu.Unlock()
			if flaky[n] {
				ack(n)
			}
			flaky[n] = true
		})
		s.On("send me something big", func() { _ = s.Emit("big", strings.Repeat("x", 20000)) })
		s.On("send m", func(n int) error {
			for i := range n {
				if err := s.Emit("m", i); err != nil {
					return err
				}
			}
			return nil
		})
		s.OnDisconnect(func(string) { _ = s.Emit("m", 100) }) // who is away gets it later, or never
	})
	io.Of("/quiet").OnConnection(func(s *socketio.Socket) {
		s.OnDisconnect(func(string) { _ = s.Emit("missed") })
	})
	guarded := io.Of("/guarded")
	guarded.OnConnection(func(s *socketio.Socket) { s.On("id", func() string { return s.ID() }) })
	guarded.Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "right" {
			return &socketio.ConnectError{Message: "not you", Data: map[string]int{"code": 7}}
		}
		return nil
	})
	io.OfPattern(regexp.MustCompile(`^/dyn-\d+$`)).OnConnection(func(s *socketio.Socket) {
		s.On("where", func() string { return s.Namespace().Name() })
	})
	return io
}
