package tcp_test

import (
	"context"
	"io"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// patience is how long a test of overload waits for what must come.
const patience = 30 * time.Second

// besieged is a server on two wires: a friend's, who wants to be served, and one
// on which strangers send what they like and answer nothing.
type besieged struct {
	t              *testing.T
	friend, server *stack.Host
	strangers      *link.Wire
}

func newBesieged(t *testing.T) *besieged {
	t.Helper()
	friends := link.NewWire(link.WireConfig{})
	b := &besieged{
		t:      t,
		friend: stack.New(stack.Config{Name: "friend"}), server: stack.New(stack.Config{Name: "server"}),
		strangers: link.NewWire(link.WireConfig{}),
	}
	t.Cleanup(func() {
		require.NoError(t, b.friend.Close())
		require.NoError(t, b.server.Close())
		require.NoError(t, friends.Close())
		require.NoError(t, b.strangers.Close())
	})
	_, err := b.friend.Attach(friends.A(), netip.MustParsePrefix("10.1.0.1/24"))
	require.NoError(t, err)
	_, err = b.server.Attach(friends.B(), netip.MustParsePrefix("10.1.0.2/24"))
	require.NoError(t, err)
	l, err := b.server.Attach(b.strangers.B(), netip.MustParsePrefix("10.0.0.2/24"), netip.MustParsePrefix("fd00::2/64"))
	require.NoError(t, err)
	require.NoError(t, l.AddRoute(netip.MustParsePrefix("10.9.0.0/16"), netip.Addr{}))
	b.strangers.A().Attach(deaf{})
	return b
}

// deaf is an end of a wire where nobody answers.
type deaf struct{ gstack.NetworkDispatcher }

func (deaf) DeliverNetworkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}

// listen listens on port 80; accepting is left to who calls.
func (b *besieged) listen(backlog int) *tcp.Listener {
	b.t.Helper()
	ln, err := (&tcp.ListenConfig{Host: b.server, Backlog: backlog}).Listen(context.Background(), "tcp", ":80")
	require.NoError(b.t, err)
	b.t.Cleanup(func() { ln.Close() })
	return ln
}

// dial is a connection of the friend's.
func (b *besieged) dial() *tcp.Conn {
	b.t.Helper()
	c, err := (&tcp.Dialer{Host: b.friend, Timeout: patience}).Dial("tcp", "10.1.0.2:80")
	require.NoError(b.t, err)
	b.t.Cleanup(func() { c.Close() })
	return c.(*tcp.Conn)
}

// echo is served on the connection.
func (b *besieged) echo(c *tcp.Conn) {
	b.t.Helper()
	require.NoError(b.t, c.SetDeadline(time.Now().Add(patience)))
	sent, got := []byte("are you there?"), make([]byte, 14)
	_, err := c.Write(sent)
	require.NoError(b.t, err)
	_, err = io.ReadFull(c, got)
	require.NoError(b.t, err)
	require.Equal(b.t, sent, got)
}

// sendIn puts an IP packet on the strangers' wire.
func (b *besieged) sendIn(p []byte) {
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(p)})
	pkt.NetworkProtocolNumber = ipv4.ProtocolNumber
	if p[0]>>4 == 6 {
		pkt.NetworkProtocolNumber = ipv6.ProtocolNumber
	}
	var list gstack.PacketBufferList
	list.PushBack(pkt)
	_, terr := b.strangers.A().WritePackets(list)
	require.Nil(b.t, terr)
	list.DecRef()
}

// settled waits until everything that strangers sent has reached the server.
func (b *besieged) settled() {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.strangers.AB().Counters().UnderWay == 0 }, patience, time.Millisecond)
}

// halfOpen is how many endpoints the server has for handshakes that are not
// complete, by Netstat.
func (b *besieged) halfOpen() (n int) {
	for _, i := range tcp.Netstat(b.server) {
		if i.State == "SYN-RCVD" {
			n++
		}
	}
	return n
}

// heapInUse is what is not garbage, in bytes; twice, so that pools are empty.
func heapInUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
