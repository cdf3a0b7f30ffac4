package ws

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a callback leaves for later takes its time, and the messages that come
// meanwhile are handled. Where a goroutine is there for this connection only, there
// is no later.
func TestLaterHoldsUpNobody(t *testing.T) {
	for name, pair := range eventPairs {
		t.Run(name, func(t *testing.T) {
			c, p := open(t, pair, false, connConfig{})
			heard := make(chan string, 10)
			begun, free, closed := make(chan bool, 1), make(chan bool), make(chan error, 1)
			c.Handle(&Handler{
				OnMessage: func(c *Conn, _ MessageType, p []byte) {
					if string(p) == "slow" {
						took := c.Later(func() { begun <- true; <-free; heard <- "done" })
						require.Equal(t, name == "ready" || name == "polled" && canPoll, took)
						if !took {
							begun <- false
						}
					}
					heard <- string(p)
				},
				OnClose: func(_ *Conn, err error) { closed <- err },
			})
			p.send(t, text("slow"), text("behind it"))
			require.Equal(t, "slow", <-heard)
			require.Equal(t, "behind it", <-heard, "before what is for later")
			later := <-begun
			p.send(t, text("meanwhile"))
			require.Equal(t, "meanwhile", <-heard)
			close(free)
			if later {
				require.Equal(t, "done", <-heard)
			}
			c.CloseNow()
			<-closed
		})
	}
}

// A callback waits for what was left for later, and for the peer's answer to what
// was written before it: neither is held up by it.
func TestCallbackThatWaits(t *testing.T) {
	for name, pair := range eventPairs {
		t.Run(name, func(t *testing.T) {
			c, p := open(t, pair, false, connConfig{})
			done, answered, closed := make(chan bool, 1), make(chan bool), make(chan error, 1)
			c.Handle(&Handler{
				OnMessage: func(c *Conn, typ MessageType, p []byte) {
					switch string(p) {
					case "question":
						if !c.Later(func() { done <- true }) {
							done <- true
						}
						_ = c.Write(t.Context(), typ, []byte("written before"))
					case "wait":
						c.Waits()
						<-done
						_ = c.Write(t.Context(), typ, []byte("written while it waits"))
						<-answered
					}
				},
				OnClose: func(_ *Conn, err error) { closed <- err },
			})
			_, err := p.Write(append(text("question").bytes(true), text("wait").bytes(true)...))
			require.NoError(t, err)
			require.Equal(t, text("written before"), p.receive(t))
			require.Equal(t, text("written while it waits"), p.receive(t))
			close(answered)
			c.CloseNow()
			<-closed
		})
	}
}

// What leaves its goroutine, as a test's FailNow does, takes nothing else that was
// left for later with it.
func TestLaterThatLeavesItsGoroutine(t *testing.T) {
	c, p := open(t, eventPairs["ready"], false, connConfig{})
	called, closed := make(chan bool, 1), make(chan error, 1)
	c.Handle(&Handler{
		OnMessage: func(c *Conn, _ MessageType, p []byte) {
			c.Later(runtime.Goexit)
			c.Later(func() { called <- true })
		},
		OnClose: func(_ *Conn, err error) { closed <- err },
	})
	for range 2 {
		p.send(t, text("go on"))
		<-called
	}
	c.CloseNow()
	<-closed
}
