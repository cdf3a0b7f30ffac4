package ws

import (
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A stream's Write whose deadline passes when part of its frame is out: all of it
// counts as written. The Writes after it fail while it does not leave, and then
// the peer gets it whole, with what was answered meanwhile behind it.
func TestStreamFinishesAFrame(t *testing.T) {
	for _, client := range []bool{false, true} {
		for _, size := range []int{100, 100_000} {
			synctest.Test(t, func(t *testing.T) {
				c, p := open(t, pipePair, client, connConfig{})
				s := NewStream(c, MessageBinary)
				late := func(payload string) (int, error) {
					t.Helper()
					require.NoError(t, s.SetWriteDeadline(time.Now().Add(time.Second)))
					return io.WriteString(s, payload)
				}
				n, err := late("nothing is out")
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.Zero(t, n)

				first := strings.Repeat("first", size/5)
				taken := make([]byte, 50)
				go io.ReadFull(p.Conn, taken)
				n, err = late(first)
				require.NoError(t, err)
				require.Equal(t, len(first), n)
				for range 3 {
					n, err = late("second")
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
					require.Zero(t, n)
				}

				require.NoError(t, s.SetWriteDeadline(time.Time{}))
				wrote := make(chan error, 1)
				go func() {
					_, err := io.WriteString(s, "third")
					wrote <- err
				}()
				p.br.Reset(io.MultiReader(strings.NewReader(string(taken)), p.Conn))
				require.Equal(t, bin(first), p.receive(t))
				require.Equal(t, bin("third"), p.receive(t))
				require.NoError(t, <-wrote)
				c.CloseNow()
			})
		}
	}
}

// What is left of a frame leaves before a pong and before the close frame.
func TestStreamFinishesAFrameBeforeControlFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := open(t, pipePair, false, connConfig{})
		s := NewStream(c, MessageText)
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(time.Second)))
		taken := make([]byte, 1)
		go p.Read(taken)
		_, err := io.WriteString(s, "cut")
		require.NoError(t, err)

		go s.Read(make([]byte, 1))
		p.send(t, pinging("are you there?"))
		p.br.Reset(io.MultiReader(strings.NewReader(string(taken)), p.Conn))
		require.Equal(t, text("cut"), p.receive(t))
		require.Equal(t, ponging("are you there?"), p.receive(t))
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		require.Equal(t, closing(1000, ""), p.receive(t))
		p.send(t, closing(1000, ""))
		require.NoError(t, <-closed)
	})
}
