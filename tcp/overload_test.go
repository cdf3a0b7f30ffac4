package tcp_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/internal/echo"
	"strata/internal/hostile"
	"strata/tcp"
)

// Nobody accepts for a while, and many more dial than the backlog has room for:
// who has a connection is served meanwhile, what waits is the backlog's, what was
// dropped is counted, and once somebody accepts again all of them are served, for
// a client that got no answer, or whose ACK was dropped, sends again.
func TestFullAcceptQueue(t *testing.T) {
	const clients, backlog = 100, 16
	b := newBesieged(t)
	ln := b.listen(backlog)
	old := b.dial()
	s, err := ln.Accept()
	require.NoError(t, err)
	go func() { io.Copy(s, s); s.Close() }()

	served := make(chan error, clients)
	for i := range clients {
		go func() { served <- introduce(b, i) }()
	}
	stats := b.server.Stack().Stats().TCP
	// A SYN is dropped where the queue is full, an ACK where it was not when the
	// SYN came: a client has one of them dropped, or waits in the queue.
	for begun := time.Now(); stats.ListenOverflowSynDrop.Value()+stats.ListenOverflowAckDrop.Value() < clients-3*backlog; {
		b.echo(old)
		require.Less(t, time.Since(begun), patience, "what is dropped is counted")
	}
	waiting := -1 // the old one
	for _, i := range tcp.Netstat(b.server) {
		if i.State != "LISTEN" {
			waiting++
		}
	}
	// As many as wait for Accept, and as many again whose handshake is not
	// complete (its ACK finds no room, and comes again).
	require.LessOrEqual(t, waiting, 2*backlog)
	require.GreaterOrEqual(t, waiting, backlog)

	go echo.Serve(ln)
	for range clients {
		require.NoError(t, <-served)
	}
	b.echo(old)
	t.Logf("%d SYNs and %d ACKs dropped, %d cookies sent, %d of them came back", stats.ListenOverflowSynDrop.Value(),
		stats.ListenOverflowAckDrop.Value(), stats.ListenOverflowSynCookieSent.Value(), stats.ListenOverflowSynCookieRcvd.Value())
}

// introduce connects, says which client it is, and wants to hear it back.
func introduce(b *besieged, i int) error {
	c, err := (&tcp.Dialer{Host: b.friend, Timeout: patience}).Dial("tcp", "10.1.0.2:80")
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	sent := fmt.Sprintf("client %3d", i)
	if _, err := io.WriteString(c, sent); err != nil {
		return err
	}
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != sent {
		return fmt.Errorf("sent %q, got %q", sent, got)
	}
	return nil
}

// Readers that never read: each holds what its receive buffer and the sender's
// take and no more, others are served, and what was written is there when they
// read at last.
func TestReadersThatNeverRead(t *testing.T) {
	const readers = 8
	b := newBesieged(t)
	ln := b.listen(0)
	var writers, lazy []*tcp.Conn
	sums, written := make([][]byte, readers), make([]int, readers)
	before := heapInUse()
	for i := range readers {
		w := b.dial()
		r, err := ln.AcceptTCP()
		require.NoError(t, err)
		defer r.Close()
		writers, lazy = append(writers, w), append(lazy, r)
		sum, chunk := sha256.New(), make([]byte, 64<<10)
		random := rand.NewChaCha8([32]byte{byte(i)})
		// It is full when for a while nothing more is taken: the window stays
		// closed however long one waits.
		for {
			random.Read(chunk)
			require.NoError(t, w.SetWriteDeadline(time.Now().Add(200*time.Millisecond)))
			n, err := w.Write(chunk)
			sum.Write(chunk[:n])
			written[i] += n
			if err != nil {
				require.ErrorContains(t, err, "timeout")
				break
			}
			require.Less(t, written[i], maxBuffered, "somebody takes without end")
		}
		sums[i] = sum.Sum(nil)
	}
	go echo.Serve(ln)
	b.echo(b.dial())
	grown := heapInUse() - before
	t.Logf("%d readers hold %d KiB of %d KiB written", readers, grown>>10, total(written)>>10)
	// The bytes themselves, and as much again for the buffers that they lie in.
	require.Less(t, grown, 2*total(written)+1<<20)

	for i, w := range writers {
		require.NoError(t, w.CloseWrite())
		sum := sha256.New()
		require.NoError(t, lazy[i].SetReadDeadline(time.Now().Add(patience)))
		n, err := io.Copy(sum, lazy[i])
		require.NoError(t, err)
		require.EqualValues(t, written[i], n)
		require.Equal(t, sums[i], sum.Sum(nil))
	}
}

// maxBuffered is the most that a connection nobody reads from takes, in bytes:
// the largest receive buffer and the largest send buffer there are, 4 MiB each.
const maxBuffered = 8 << 20

func total(n []int) (sum int) {
	for _, v := range n {
		sum += v
	}
	return sum
}

// Garbage as fast as it can be sent, of every kind on every floor: who has a
// connection is served meanwhile, who wants one gets it, memory does not grow
// beyond what fragments of datagrams may take, and the counters say why what was
// dropped was dropped.
func TestGarbage(t *testing.T) {
	const packets = 20_000
	b := newBesieged(t)
	go echo.Serve(b.listen(0))
	old := b.dial()
	b.echo(old)
	before := heapInUse()
	r := rand.New(rand.NewPCG(7, 7))
	to4, to6 := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")
	for n := range packets {
		b.sendIn(hostile.Garbage(r, to4, to6))
		if n%1000 == 0 {
			b.echo(old)
		}
	}
	b.settled()
	b.echo(old)
	b.echo(b.dial())

	in := b.strangers.AB().Counters()
	require.EqualValues(t, packets, in.Packets)
	require.EqualValues(t, packets, in.Delivered+in.Dropped())
	s := b.server.Stack().Stats()
	why := map[string]uint64{
		"headers of IP that are malformed": s.IP.MalformedPacketsReceived.Value(),
		"of no address of ours":            s.IP.InvalidDestinationAddressesReceived.Value(),
		"malformed fragments":              s.IP.MalformedFragmentsReceived.Value(),
		"segments of TCP for nobody":       s.TCP.InvalidSegmentsReceived.Value() + s.TCP.ResetsSent.Value(),
		"datagrams of UDP, malformed":      s.UDP.MalformedPacketsReceived.Value() + s.UDP.ChecksumErrors.Value(),
	}
	grown := heapInUse() - before
	t.Logf("%d packets, %v; %d KiB", packets, why, grown>>10)
	for cause, n := range why {
		require.NotZero(t, n, cause)
	}
	// gVisor keeps at most 4 MiB of fragments for each family; an endpoint for
	// each SYN that looked like one is the listener's, by its backlog.
	require.Less(t, grown, 32<<20)
}
