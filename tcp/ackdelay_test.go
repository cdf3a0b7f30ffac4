package tcp_test

import (
	"crypto/rand"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/lab"
	"strata/link"
	"strata/tcp"
	"strata/trace"
)

// slowAcks is a connection whose server's acknowledgements wait, in a world, and
// how many of them have come without data.
func slowAcks(w *lab.World, delay time.Duration) (c, s *tcp.Conn, acks *int) {
	client, server := w.Host("client"), w.Host("server")
	server.SetAckDelay(delay)
	w.Connect(client, server, link.Shape{})
	ln := server.Listen(":80")
	conn, err := client.DialContext(w.Context(), "tcp", "server:80")
	require.NoError(w.T(), err)
	s, err = ln.AcceptTCP()
	require.NoError(w.T(), err)
	acks = new(int)
	client.Inspect(func(dir trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
		if dir == trace.In && v.TCP.Flags() == header.TCPFlagAck && v.PayloadLen == 0 {
			*acks++
		}
		return true
	})
	return conn.(*tcp.Conn), s, acks
}

// send has the first of two ends write n bytes, and the other read them.
func send(t require.TestingT, from, to *tcp.Conn, n int) {
	_, err := from.Write(make([]byte, n))
	require.NoError(t, err)
	_, err = io.ReadFull(to, make([]byte, n))
	require.NoError(t, err)
}

// The answers acknowledge what they answer, and nothing else does; without a
// delay each of them comes second.
func TestAckTravelsWithTheAnswer(t *testing.T) {
	for delay, want := range map[time.Duration]int{0: 50, 40 * time.Millisecond: 0} {
		lab.Run(t, func(w *lab.World) {
			c, s, acks := slowAcks(w, delay)
			for range 50 {
				send(t, c, s, 100)
				w.Settle()
				send(t, s, c, 100)
			}
			require.Equal(t, want, *acks)
		})
	}
}

// Of segments that nobody answers each second is acknowledged at once.
func TestSecondAckGoesAtOnce(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		c, s, acks := slowAcks(w, 40*time.Millisecond)
		start := w.Now()
		for i := range 50 {
			send(t, c, s, 100)
			w.Settle()
			require.Equal(t, (i+1)/2, *acks, "of %d segments", i+1)
		}
		require.Equal(t, start, w.Now())
	})
}

// What neither an answer nor a second segment takes along leaves when its time has
// come, of each connection.
func TestAckLeavesAlone(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		c, s, acks := slowAcks(w, 40*time.Millisecond)
		for i := range 5 {
			send(t, c, s, 100)
			w.Sleep(40*time.Millisecond - 1)
			require.Equal(t, i, *acks)
			w.Sleep(1)
			require.Equal(t, i+1, *acks)
		}
		// An answer that comes in time has nothing left to leave; the timer that
		// was meant for it is the next one's.
		send(t, c, s, 100)
		w.Sleep(30 * time.Millisecond)
		send(t, s, c, 100)
		send(t, c, s, 100)
		w.Sleep(40*time.Millisecond - 1)
		require.Equal(t, 5, *acks)
		w.Sleep(1)
		require.Equal(t, 6, *acks)
	})
}

// Who closes is not kept waiting: the acknowledgement of the peer's FIN, behind our
// own, leaves at once.
func TestLastAckDoesNotWait(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		c, s, acks := slowAcks(w, 40*time.Millisecond)
		require.NoError(t, s.CloseWrite())
		w.Settle()
		require.NoError(t, c.CloseWrite())
		w.Settle()
		require.Equal(t, 1, *acks)
	})
}

// Bulk never waits, nor does the end; losses are found and mended, though an
// acknowledgement that waited would wait for ever.
func TestBulkDoesNotWaitForAcks(t *testing.T) {
	for name, wire := range map[string]link.WireConfig{
		"super-packets": {},
		"segments":      {NoSuperPackets: true},
		"small":         {NoOffload: true, MTU: 1300},
		"large":         {NoSuperPackets: true, MTU: 65535},
		"losses":        {Seed: 1, AB: link.MustParseShape("delay 1ms loss 2%"), BA: link.MustParseShape("delay 1ms loss 2%")},
	} {
		t.Run(name, func(t *testing.T) {
			client, server, _ := hosts(t, wire)
			server.SetAckDelay(24 * time.Hour)
			ln, err := tcp.Listen(server, "tcp", "10.0.0.2:80")
			require.NoError(t, err)
			defer ln.Close()
			c, s := connect(t, client, ln)
			sent := make([]byte, 2<<20)
			rand.Read(sent)
			failed := make(chan error, 1)
			go func() {
				_, err := c.Write(sent)
				if err == nil {
					err = c.CloseWrite()
				}
				failed <- err
			}()
			got, err := io.ReadAll(s)
			require.NoError(t, err)
			require.NoError(t, <-failed)
			require.Equal(t, sent, got)
		})
	}
}
