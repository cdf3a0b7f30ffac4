package tcp_test

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
)

// raw sends a packet from a host as it is.
func raw(t *testing.T, from *stack.Host, packet []byte) {
	t.Helper()
	proto := ipv6.ProtocolNumber
	if packet[0]>>4 == 4 {
		proto = ipv4.ProtocolNumber
	}
	terr := from.Stack().WriteRawPacket(2, proto, buffer.MakeWithData(packet))
	require.Nil(t, terr)
}

// segmentTo is a TCP segment from the client to the server's port, with its
// checksum, to go behind IPv6 headers.
func segmentTo(port uint16, flags header.TCPFlags) []byte {
	s := header.TCP(make([]byte, header.TCPMinimumSize))
	s.Encode(&header.TCPFields{SrcPort: 4242, DstPort: port, SeqNum: 1, DataOffset: header.TCPMinimumSize, Flags: flags, WindowSize: 1000})
	sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, stack.Address(client6), stack.Address(server6), uint16(len(s)))
	s.SetChecksum(^checksum.Checksum(s, sum))
	return s
}

var client6, server6 = netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2")

// over is an IPv6 packet from the client to the server; first is the kind of
// what b begins with.
func over(first header.IPv6ExtensionHeaderIdentifier, b []byte) []byte {
	packet := make([]byte, header.IPv6MinimumSize, header.IPv6MinimumSize+len(b))
	packet[0], packet[6], packet[7] = 6<<4, byte(first), 64
	binary.BigEndian.PutUint16(packet[4:], uint16(len(b)))
	copy(packet[8:], client6.AsSlice())
	copy(packet[24:], server6.AsSlice())
	return append(packet, b...)
}

// options is an IPv6 header of destination options that pads size bytes, with b
// behind it.
func options(size int, next header.IPv6ExtensionHeaderIdentifier, b []byte) []byte {
	e := make([]byte, size, size+len(b)) // option 0 is Pad1
	e[0], e[1] = byte(next), byte(size/8-1)
	for i := 2; i < size; { // PadN: gVisor does not take more than 7 of Pad1 in a row
		n := min(size-i-2, 255)
		e[i], e[i+1] = 1, byte(n)
		i += 2 + n
	}
	return append(e, b...)
}

// A filter on SYNs sees every SYN that the stack sees. What it cannot read does
// not come in.
func TestAdmitCannotBePassedBy(t *testing.T) {
	const (
		dest       = header.IPv6DestinationOptionsExtHdrIdentifier
		experiment = header.IPv6ExperimentExtHdrIdentifier
		fragmented = header.IPv6FragmentExtHdrIdentifier
		tcpNext    = header.IPv6ExtensionHeaderIdentifier(header.TCPProtocolNumber)
	)
	syn := segmentTo(80, header.TCPFlagSyn)
	nested := func(n int) []byte {
		b, next := syn, tcpNext
		for range n {
			b, next = options(8, next, b), dest
		}
		return over(dest, b)
	}
	fragment := func(offset uint16, b []byte) []byte {
		h := []byte{byte(tcpNext), 0, byte(offset >> 8), byte(offset), 0, 0, 0, 1}
		return over(fragmented, append(h, b...))
	}
	stories := []struct {
		name   string
		packet []byte
		asked  bool
	}{
		{"bare", over(tcpNext, syn), true},
		{"options of 8 bytes", over(dest, options(8, tcpNext, syn)), true},
		{"options of 256 bytes", over(dest, options(256, tcpNext, syn)), true},
		{"options of 1400 bytes", over(dest, options(1400, tcpNext, syn)), true},
		{"7 headers", nested(7), true},
		{"9 headers", nested(9), false},
		{"the experimental header", over(experiment, append([]byte{byte(tcpNext), 0, 0, 0, 0, 0, 0, 0}, syn...)), true},
		{"a first fragment that ends within the header", fragment(1, syn[:16]), false},
	}
	client, server, _ := hosts(t, link.WireConfig{})
	var mu sync.Mutex
	asked := 0
	ln, err := (&tcp.ListenConfig{Host: server, Admit: func(tcp.SYN) tcp.Verdict {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return tcp.Drop
	}}).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	defer ln.Close()
	// What comes here was let in: who listens later sees what the filter passes.
	passed := make(chan *trace.Datagram, 100)
	server.Inspect(func(dir trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
		if e, ok := v.Event(dir); ok && dir == trace.In {
			switch w := e.What.(type) {
			case trace.Datagram:
				passed <- &w
			case trace.Segment:
				passed <- nil
			}
		}
		return true
	})
	for _, s := range stories {
		mu.Lock()
		asked = 0
		mu.Unlock()
		raw(t, client, s.packet)
		// Behind it, in order, comes a later fragment, which is let in: its
		// first one decided.
		raw(t, client, fragment(64, make([]byte, 16)))
		require.Equal(t, "6 fragment, 64 bytes", (<-passed).String(), s.name)
		mu.Lock()
		require.Equal(t, s.asked, asked == 1, s.name)
		mu.Unlock()
	}
	require.Empty(t, passed)
}

// A listener decides on what is its own, and on nothing else: of two families
// each for its own, and the listener on the very address before the one on
// every address.
func TestAdmitIsOfOneListener(t *testing.T) {
	client, server, _ := hosts(t, link.WireConfig{})
	refuses := func(tcp.SYN) tcp.Verdict { return tcp.Reset }
	type listener struct {
		network, address string
		admit            func(tcp.SYN) tcp.Verdict
	}
	for name, story := range map[string]struct {
		listeners []listener
		accepted  []string
		refused   []string
	}{
		"one family each": {
			listeners: []listener{{"tcp4", ":80", refuses}, {"tcp6", ":80", nil}},
			accepted:  []string{"[fd00::2]:80"}, refused: []string{"10.0.0.2:80"},
		},
		"and the other way round": {
			listeners: []listener{{"tcp6", ":80", refuses}, {"tcp4", ":80", nil}},
			accepted:  []string{"10.0.0.2:80"}, refused: []string{"[fd00::2]:80"},
		},
		"the very address without": {
			listeners: []listener{{"tcp4", ":80", refuses}, {"tcp4", "10.0.0.2:80", nil}, {"tcp6", ":80", refuses}, {"tcp6", "[fd00::2]:80", nil}},
			accepted:  []string{"10.0.0.2:80", "[fd00::2]:80"},
		},
		"the very address with": {
			listeners: []listener{{"tcp4", "10.0.0.2:80", refuses}, {"tcp4", ":80", nil}, {"tcp6", ":80", nil}},
			accepted:  []string{"[fd00::2]:80"}, refused: []string{"10.0.0.2:80"},
		},
		"both families": {
			listeners: []listener{{"tcp", ":80", refuses}, {"tcp", ":81", nil}},
			accepted:  []string{"10.0.0.2:81", "[fd00::2]:81"}, refused: []string{"10.0.0.2:80", "[fd00::2]:80"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, l := range story.listeners {
				ln, err := (&tcp.ListenConfig{Host: server, Admit: l.admit}).Listen(t.Context(), l.network, l.address)
				require.NoError(t, err, "%+v", l)
				defer ln.Close()
			}
			for _, to := range story.accepted {
				c, err := (&tcp.Dialer{Host: client}).Dial("tcp", to)
				require.NoError(t, err)
				require.NoError(t, c.Close())
			}
			for _, to := range story.refused {
				_, err := (&tcp.Dialer{Host: client}).Dial("tcp", to)
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
			}
		})
	}
}

// Beside a listener on every address of both families there is none on those of
// one: nobody has to choose.
func TestNoSecondListenerOnEveryAddress(t *testing.T) {
	_, server, _ := hosts(t, link.WireConfig{})
	ln, err := tcp.Listen(server, "tcp", ":80")
	require.NoError(t, err)
	defer ln.Close()
	for _, network := range []string{"tcp", "tcp4", "tcp6"} {
		_, err := tcp.Listen(server, network, ":80")
		require.ErrorIs(t, err, syscall.EADDRINUSE, network)
	}
}
