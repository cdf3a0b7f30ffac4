package engineio

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/trace"
	"strata/ws"
)

// laterHandler leaves what its first message asks for later.
type laterHandler struct {
	ignore
	begun, second chan struct{}
}

func (h laterHandler) Message(m Message) {
	switch string(m.Data) {
	case "first":
		m.Turn.Later(func() { close(h.begun) })
	case "second":
		close(h.second)
	}
}

// recorderFunc is told of WebSocket frames that come.
type recorderFunc func(trace.Frame)

func (f recorderFunc) Record(e trace.Event) {
	if frame, ok := e.What.(trace.Frame); ok && e.Dir == trace.In {
		f(frame)
	}
}

// A POST that began before the session changed to a WebSocket still hands messages
// over, and its handler waits for what the WebSocket's left for later. The message
// that the WebSocket brings next has to wait for the POST's, and does not keep from
// beginning what that waits for.
func TestWhoWaitsForAnotherMessageHoldsUpNothingLater(t *testing.T) {
	h := laterHandler{ignore{make(chan Reason, 1)}, make(chan struct{}), make(chan struct{})}
	sessions := make(chan *Session, 1)
	frames := 0
	var s *Session
	server := NewServer(&Options{Recorder: recorderFunc(func(trace.Frame) {
		if frames++; frames == 2 { // between the two messages
			s.receiving.Lock() // as the POST does
			go func() {
				<-h.begun
				s.receiving.Unlock()
			}()
		}
	})}, func(s *Session) Handler {
		sessions <- s
		return h
	})
	hs := httptest.NewServer(server)
	defer hs.Close()
	c, _, err := ws.Dial(t.Context(), hs.URL+"/?EIO=4&transport=websocket", nil)
	require.NoError(t, err)
	s = <-sessions
	require.NoError(t, c.Batch(func() error {
		for _, m := range []string{"4first", "4second"} {
			if err := c.Write(t.Context(), ws.MessageText, []byte(m)); err != nil {
				return err
			}
		}
		return nil
	}))
	<-h.second
	require.NoError(t, c.CloseNow())
	require.Equal(t, TransportClose, <-h.closed)
	require.NoError(t, server.Close(context.Background()))
}
