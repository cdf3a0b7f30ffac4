package ws

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A prepared message is what Write would have sent, on connections of every kind
// at once, and later messages may refer to it.
func TestPreparedMessage(t *testing.T) {
	for _, m := range []string{"", "short", strings.Repeat("long enough to be compressed, ", 100), strings.Repeat("x", 65_532)} {
		prepared, err := NewPreparedMessage(MessageText, []byte(m))
		require.NoError(t, err)
		check := func(cfg connConfig) {
			for _, client := range []bool{false, true} {
				a, b := tcpPair(t)
				cfg.client, cfg.rand = client, zeroes{}
				sender := newConn(a, cfg)
				cfg.client = !client
				receiver := newConn(b, cfg)
				go func() {
					for range 3 {
						sender.WritePrepared(context.Background(), prepared)
						sender.Write(context.Background(), MessageText, []byte(m+m[:len(m)/2]))
					}
				}()
				for range 3 {
					_, got, err := receiver.Read(t.Context())
					require.NoError(t, err)
					require.Equal(t, m, string(got))
					_, got, err = receiver.Read(t.Context())
					require.NoError(t, err)
					require.Equal(t, m+m[:len(m)/2], string(got))
				}
				sender.CloseNow()
				receiver.CloseNow()
			}
		}
		check(connConfig{})
		eachDeflate(func(_ string, p deflateParams) { check(deflating(p, Compression{Threshold: 20})) })
		// Twice the bits' and the levels' variants, not one for each connection.
		require.LessOrEqual(t, len(prepared.compressed), 8)
	}
	_, err := NewPreparedMessage(9, nil)
	require.ErrorContains(t, err, "message type 9")
}

// However slow the peer, no more waits than the bounds say, and the policy says
// what becomes of the rest.
func TestQueue(t *testing.T) {
	send := func(q *Queue, n int) (errs []error) {
		for i := range n {
			errs = append(errs, q.Send(context.Background(), MessageText, fmt.Appendf(nil, "%d", i), i%2))
		}
		return errs
	}
	t.Run("drops the oldest of a class", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := open(t, pipePair, false, connConfig{})
			q := NewQueue(c, QueueOptions{Messages: 4, Policy: DropOldest})
			require.NoError(t, q.Send(t.Context(), MessageText, []byte("first"), 7))
			synctest.Wait() // it is being written, to a peer that does not read yet
			for _, err := range send(q, 10) {
				require.NoError(t, err)
			}
			n, _ := q.Waiting()
			require.Equal(t, 4, n)
			require.EqualValues(t, 6, q.Dropped())
			require.ErrorIs(t, q.Send(t.Context(), MessageText, []byte("a class of its own"), 8), ErrDropped)
			require.Equal(t, text("first"), p.receive(t))
			// The two of each class that came last, in order.
			var got []string
			for range 4 {
				got = append(got, p.receive(t).payload)
			}
			require.Equal(t, []string{"6", "7", "8", "9"}, got)
			c.CloseNow()
			synctest.Wait()
			require.Error(t, q.Send(t.Context(), MessageText, nil, 0))
		})
	})
	t.Run("waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := open(t, pipePair, false, connConfig{})
			q := NewQueue(c, QueueOptions{Bytes: 3})
			sent := make(chan []error, 1)
			go func() { sent <- send(q, 100) }()
			synctest.Wait()
			_, bytes := q.Waiting()
			require.LessOrEqual(t, bytes, 3)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			require.ErrorIs(t, q.Send(ctx, MessageText, []byte("no room"), 0), context.Canceled)
			for i := range 100 {
				require.Equal(t, text(fmt.Sprint(i)), p.receive(t))
			}
			for _, err := range <-sent {
				require.NoError(t, err)
			}
			c.CloseNow()
		})
	})
	t.Run("closes the slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := open(t, pipePair, false, connConfig{})
			q := NewQueue(c, QueueOptions{Messages: 5, Policy: CloseSlow})
			var pe *ProtocolError
			// Five may be on their way to a peer that does not read, five wait.
			require.ErrorAs(t, send(q, 11)[10], &pe)
			require.Equal(t, StatusPolicyViolation, pe.Code)
			_, _, err := c.Read(t.Context())
			require.ErrorAs(t, err, &pe)
			p.Close()
		})
	})
	t.Run("a message larger than the bound", func(t *testing.T) {
		c, p := open(t, tcpPair, false, connConfig{})
		q := NewQueue(c, QueueOptions{Bytes: 3})
		require.NoError(t, q.Send(t.Context(), MessageText, []byte("larger"), 0))
		require.Equal(t, text("larger"), p.receive(t))
	})
}
