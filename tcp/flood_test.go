package tcp_test

import (
	"encoding/binary"
	"io"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// synFrom is a SYN to 10.0.0.2:80 from the n-th of many addresses that nobody
// has.
func synFrom(n int) *gstack.PacketBuffer {
	from := [4]byte{10, 9, byte(n >> 8), byte(n)}
	p := make([]byte, header.IPv4MinimumSize+header.TCPMinimumSize)
	ip, segment := header.IPv4(p), header.TCP(p[header.IPv4MinimumSize:])
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(p)), TTL: 64, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: stack.Address(netip.AddrFrom4(from)), DstAddr: stack.Address(netip.AddrFrom4([4]byte{10, 0, 0, 2})),
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	segment.Encode(&header.TCPFields{
		SrcPort: 1024 + uint16(n), DstPort: 80, SeqNum: binary.BigEndian.Uint32(from[:]),
		DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagSyn, WindowSize: 1000,
	})
	segment.SetChecksum(^checksum.Checksum(segment,
		header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), header.TCPMinimumSize)))
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(p)})
	pkt.NetworkProtocolNumber = ipv4.ProtocolNumber
	return pkt
}

// A flood of SYNs from addresses that do not answer, far beyond the backlog:
// who has a connection keeps it, who wants one gets it (by a SYN cookie), and
// what is remembered of the others is bounded.
func TestSYNFlood(t *testing.T) {
	const flood, backlog = 20_000, 128
	friends, strangers := link.NewWire(link.WireConfig{}), link.NewWire(link.WireConfig{})
	client, server := stack.New(stack.Config{Name: "client"}), stack.New(stack.Config{Name: "server"})
	defer func() {
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
		require.NoError(t, friends.Close())
		require.NoError(t, strangers.Close())
	}()
	_, err := client.Attach(friends.A(), netip.MustParsePrefix("10.1.0.1/24"))
	require.NoError(t, err)
	_, err = server.Attach(friends.B(), netip.MustParsePrefix("10.1.0.2/24"))
	require.NoError(t, err)
	l, err := server.Attach(strangers.B(), netip.MustParsePrefix("10.0.0.2/24"))
	require.NoError(t, err)
	require.NoError(t, l.AddRoute(netip.MustParsePrefix("10.9.0.0/16"), netip.Addr{}))
	strangers.A().Attach(deaf{})

	ln, err := (&tcp.ListenConfig{Host: server, Backlog: backlog}).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	echo := func(c *tcp.Conn) {
		t.Helper()
		require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
		sent, got := []byte("are you there?"), make([]byte, 14)
		_, err := c.Write(sent)
		require.NoError(t, err)
		_, err = io.ReadFull(c, got)
		require.NoError(t, err)
		require.Equal(t, sent, got)
	}
	dial := func() *tcp.Conn {
		t.Helper()
		c, err := (&tcp.Dialer{Host: client, Timeout: 30 * time.Second}).Dial("tcp", "10.1.0.2:80")
		require.NoError(t, err)
		return c.(*tcp.Conn)
	}
	old := dial()
	defer old.Close()
	echo(old)

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range flood {
		pkt := synFrom(n)
		var list gstack.PacketBufferList
		list.PushBack(pkt)
		_, terr := strangers.A().WritePackets(list)
		require.Nil(t, terr)
		list.DecRef()
		if n%1000 == 0 {
			echo(old)
		}
	}
	require.Eventually(t, func() bool { return strangers.AB().Counters().UnderWay == 0 }, 30*time.Second, time.Millisecond)
	echo(old)
	young := dial()
	defer young.Close()
	echo(young)

	in, out := strangers.AB().Counters(), strangers.BA().Counters()
	require.EqualValues(t, flood, in.Delivered, "the wire itself drops none")
	require.Greater(t, out.Packets, uint64(backlog), "beyond the backlog they are answered by cookies")
	require.LessOrEqual(t, tcp.Incomplete(server), int64(tcp.MaxHandshakes))
	half := 0
	for _, i := range tcp.Netstat(server) {
		if i.State == "SYN-RCVD" {
			half++
		}
	}
	require.LessOrEqual(t, half, backlog+1, "the rest took no endpoint")
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int(after.HeapAlloc) - int(before.HeapAlloc)
	t.Logf("%d SYNs: %d answers, %d half-open, %d KiB", flood, out.Packets, half, grown>>10)
	// 8192 handshakes of less than 1 KiB, and room for what the pools keep.
	require.Less(t, grown, 32<<20)
}

// deaf is an end of a wire where nobody answers.
type deaf struct{ gstack.NetworkDispatcher }

func (deaf) DeliverNetworkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}
