package ws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A Read that is cancelled anywhere, inside the header, the payload, a control
// frame or between fragments, loses nothing: the next Read goes on.
func TestCancelledReadGoesOn(t *testing.T) {
	sent := frames(raw(1, "Hel"), pinging("p"), raw(0, "lo, "), raw(fin, strings.Repeat("world", 30)), text("next"))
	var wire []byte
	for _, f := range sent {
		wire = append(wire, f.bytes(true)...)
	}
	for cut := range len(wire) {
		synctest.Test(t, func(t *testing.T) {
			c, p := open(t, pipePair, false, connConfig{})
			go func() {
				p.Write(wire[:cut])
				time.Sleep(time.Minute) // virtual: the reader gives up meanwhile
				p.Write(wire[cut:])
			}()
			go io.Copy(io.Discard, p.br) // takes the pong
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			var got []string
			for len(got) < 2 {
				_, m, err := c.Read(ctx)
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
					ctx = t.Context()
					continue
				}
				got = append(got, string(m))
			}
			require.Equal(t, []string{"Hello, " + strings.Repeat("world", 30), "next"}, got, "cut at %d", cut)
			c.CloseNow()
			p.Close()
		})
	}
}

// What a cancelled Read had of a message goes to a Reader too.
func TestCancelledReadThenReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{})
		wire := text("Hello").bytes(true)
		go p.Write(wire[:8])
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, _, err := c.Read(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cancel()
		go p.Write(wire[8:])
		_, r, err := c.Reader(t.Context())
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "Hello", string(got))
		c.CloseNow()
	})
}

// A Write that is cancelled while it waits for its turn, or before a byte of it
// was taken, leaves the connection as it was; one that is half on the wire ends
// it.
func TestCancelledWrite(t *testing.T) {
	for _, client := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c, p := open(t, pipePair, client, connConfig{})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			require.ErrorIs(t, c.Write(ctx, MessageText, []byte("nobody reads")), context.DeadlineExceeded)
			cancel()

			w, err := c.Writer(t.Context(), MessageText)
			require.NoError(t, err)
			ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			require.ErrorIs(t, c.Write(ctx, MessageText, []byte("not my turn")), context.DeadlineExceeded)
			cancel()
			got := make(chan rawFrame, 1)
			go func() { f, _, _ := readRaw(p.br); got <- f }()
			io.WriteString(w, "mine")
			require.NoError(t, w.Close())
			require.Equal(t, text("mine"), <-got)

			// Half of it.
			go p.Conn.Read(make([]byte, 3))
			ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			require.ErrorIs(t, c.Write(ctx, MessageText, []byte("half")), context.DeadlineExceeded)
			cancel()
			require.Error(t, c.Write(t.Context(), MessageText, []byte("after half")))
			_, _, err = c.Read(t.Context())
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// A context that ends when the call is just over does not touch the next call.
func TestLateCancel(t *testing.T) {
	c, p := open(t, tcpPair, false, connConfig{})
	go func() {
		for {
			f, _, err := readRaw(p.br)
			if err != nil {
				return
			}
			if _, err := p.Write(f.bytes(true)); err != nil {
				return
			}
		}
	}()
	for i := range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		m := bytes.Repeat([]byte{'x'}, i)
		err := c.Write(ctx, MessageBinary, m)
		if errors.Is(err, context.Canceled) {
			continue // before anything was sent: a small frame leaves whole
		}
		require.NoError(t, err)
		_, got, err := c.Read(ctx)
		if errors.Is(err, context.Canceled) {
			_, got, err = c.Read(t.Context())
		}
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
}

// A Writer that is cancelled before its first fragment leaves the connection as
// it was; after it, half a message is out and nothing can follow.
func TestCancelledWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		w, err := c.Writer(ctx, MessageText)
		require.NoError(t, err)
		io.WriteString(w, "not sent")
		require.ErrorIs(t, w.Close(), context.DeadlineExceeded)
		cancel()

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w, err = c.Writer(ctx, MessageText)
		require.NoError(t, err)
		first := make(chan rawFrame, 1)
		go func() { f, _, _ := readRaw(p.br); first <- f }()
		_, err = w.Write(make([]byte, 5000))
		require.NoError(t, err)
		require.Equal(t, raw(1, strings.Repeat("\x00", 5000)), <-first)
		require.ErrorIs(t, w.Close(), context.DeadlineExceeded)
		require.ErrorIs(t, w.Close(), context.DeadlineExceeded)
		require.ErrorIs(t, c.Write(t.Context(), MessageText, nil), net.ErrClosed)
	})
}
