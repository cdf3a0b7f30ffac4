package typed_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/typed"
)

type message struct {
	User string `json:"user"`
	Blob []byte `json:"blob"`
}

var (
	said = typed.Event[message]("said")
	join = typed.Call[string, []message]("join")
	odd  = typed.Call[int, map[string]any]("odd")
)

type coded struct{}

func (coded) Error() string { return "full" }
func (coded) AckData() any  { return map[string]int{"seats": 0} }

// Both sides say what they say by the same variables; errors arrive as errors,
// and a reply that only resembles one as what it is.
func TestTypedEventsAndCalls(t *testing.T) {
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		join.Handle(s, func(ctx context.Context, room string) ([]message, error) {
			switch room {
			case "full":
				return nil, coded{}
			case "none":
				return nil, errors.New("no such room")
			}
			s.Join(room)
			return []message{{"Ada", []byte{0, 255}}}, ctx.Err()
		})
		odd.Handle(s, func(_ context.Context, n int) (map[string]any, error) {
			return []map[string]any{{"error": 1}, {"error": "x", "more": 1}, {"data": 1}}[n], nil
		})
		said.On(s, func(m message) { _ = said.Emit(io.To("room"), m) })
	})
	hs := httptest.NewServer(io)
	defer hs.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer io.Close(ctx)
	c, err := client.Dial(ctx, hs.URL, nil)
	require.NoError(t, err)
	defer c.Close()

	history, err := join.Do(ctx, c, "room")
	require.NoError(t, err)
	require.Equal(t, []message{{"Ada", []byte{0, 255}}}, history)
	heard := make(chan message, 1)
	off := said.On(c, func(m message) { heard <- m })
	require.NoError(t, said.Emit(c, message{"Charles", nil}))
	require.Equal(t, "Charles", (<-heard).User)
	off()

	_, err = join.Do(ctx, c, "none")
	var failed *typed.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "no such room", failed.Error())
	require.Error(t, failed.Decode(new(any)))
	_, err = join.Do(ctx, c, "full")
	require.ErrorAs(t, err, &failed)
	var data struct{ Seats *int }
	require.NoError(t, failed.Decode(&data))
	require.Equal(t, 0, *data.Seats)
	for n := range 3 {
		reply, err := odd.Do(ctx, c, n)
		require.NoError(t, err, fmt.Sprint(reply))
		require.NotEmpty(t, reply)
	}
}
