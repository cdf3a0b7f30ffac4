package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/engineio"
)

// Clients come by every transport, join namespaces that are made for them, join
// rooms, broadcast, ask and are asked, are thrown out, and leave, at random and all
// at the same time; broadcasts from outside go on meanwhile. For a second, or as
// long as STRATA_SOAK says ("10m"). Afterwards nothing is left: no socket, no
// session, no namespace, no goroutine, and little memory.
func TestSoakChurn(t *testing.T) {
	long := time.Second
	if soak := os.Getenv("STRATA_SOAK"); soak != "" {
		var err error
		long, err = time.ParseDuration(soak)
		require.NoError(t, err)
	}
	io, url, _ := serve(t, &socketio.Options{
		Recovery: &socketio.Recovery{MaxDisconnection: time.Second}, CleanupEmptyChildNamespaces: true,
		// So that what a client leaves that goes while it connects is soon reclaimed.
		PingInterval: 2 * time.Second, PingTimeout: 5 * time.Second, ConnectTimeout: 5 * time.Second,
	})
	parent := io.OfPattern(regexp.MustCompile(`^/room-\d$`))
	parent.OnConnection(func(s *socketio.Socket) {
		s.Join("everybody")
		s.On("say", func(text string) (int, error) { return len(text), s.To("everybody").Emit("said", text) })
		s.On("ask me", func(ctx context.Context) (string, error) {
			answer, err := s.Timeout(time.Second).EmitWithAck(ctx, "who")
			if err != nil {
				return "", err
			}
			var name string
			return name, answer.Decode(&name)
		})
		s.On("ask all", func(ctx context.Context) (int, error) {
			answers, _ := s.Broadcast().Timeout(50*time.Millisecond).EmitWithAck(ctx, "who")
			return len(answers), nil
		})
		s.On("move", func(room string) error {
			s.Join(room)
			s.Leave("everybody")
			return s.To(room).Emit("said", "hello")
		})
		s.On("kick", func(connection bool) { s.Disconnect(connection) })
		s.On("panic", func() { panic("on purpose") })
	})
	before := runtime.NumGoroutine()
	over, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	var rounds, failed atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for over.Err() == nil {
				if err := visit(t.Context(), url); err != nil {
					failed.Add(1)
					t.Error(err)
				}
				rounds.Add(1)
			}
		})
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for over.Err() == nil {
		_ = parent.Emit("said", []byte{1, 2, 3})
		_ = parent.Volatile().Emit("said", "perhaps")
		for _, n := range parent.Children() {
			_ = n.To("a").SocketsLeave("a")
			_, _ = n.FetchSockets(over)
		}
		<-tick.C
	}
	wg.Wait()
	c := io.Counters()
	t.Logf("%d visits, %d sockets, %d events, %d recovered, %d panics, %d packets in and %d out", rounds.Load(), c.Joined, c.Events, c.Recovered, c.Panics, c.PacketsIn, c.PacketsOut)
	left := func() string {
		return fmt.Sprintf("%d connections, %d sockets, %d namespaces, %d more goroutines",
			io.Clients(), io.Counters().Sockets, len(parent.Children()), max(0, runtime.NumGoroutine()-before-10))
	}
	defer func() {
		if t.Failed() {
			t.Log("left: " + left())
		}
	}()
	require.Eventually(t, func() bool { return left() == "0 connections, 0 sockets, 0 namespaces, 0 more goroutines" }, 2*patience, 10*time.Millisecond)
}

// visit is one client's stay.
func visit(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	transports := [][]engineio.Transport{{engineio.WebSocket}, {engineio.Polling}, {engineio.Polling, engineio.WebSocket}}
	m, err := client.NewManager(url, &client.Options{Transports: transports[rand.N(3)], ReconnectionDelay: time.Millisecond})
	if err != nil {
		return err
	}
	defer m.Close()
	for n := range 1 + rand.N(3) {
		s, err := m.Socket(fmt.Sprintf("/room-%d", (n+rand.N(3)*3)%10), nil)
		if err != nil {
			return err
		}
		s.On("who", func() string { return "me" })
		s.On("said", func(args ...any) {})
		if err := s.Connect(ctx); err != nil {
			if strings.Contains(err.Error(), "the connection ended") || strings.Contains(err.Error(), "the server disconnected") {
				return nil // a kick, or our own close, that was under way
			}
			return err
		}
		for range rand.N(5) {
			var err error
			switch rand.N(7) {
			case 0, 1:
				_, err = s.EmitWithAck(ctx, "say", "something")
			case 2:
				_, err = s.EmitWithAck(ctx, "ask me")
			case 3:
				_, err = s.EmitWithAck(ctx, "ask all")
			case 4:
				_, err = s.EmitWithAck(ctx, "move", string(rune('a'+rand.N(3))))
			case 5:
				err = s.Emit([]string{"kick", "panic"}[rand.N(2)], rand.N(2) == 0)
			case 6:
				if e := m.Engine(); e != nil {
					e.Close() // it comes back, and is recovered
				}
			}
			if err != nil && !errors.Is(err, client.ErrDisconnected) {
				return fmt.Errorf("%s: %w", s.Namespace(), err)
			}
		}
	}
	return nil
}
