package link_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/trace"
)

const (
	hopByHop     = byte(header.IPv6HopByHopOptionsExtHdrIdentifier)
	destination  = byte(header.IPv6DestinationOptionsExtHdrIdentifier)
	experimental = byte(header.IPv6ExperimentExtHdrIdentifier)
	fragment     = byte(header.IPv6FragmentExtHdrIdentifier)
	tcpNext      = byte(header.TCPProtocolNumber)
)

// chained is an IPv6 packet with a SYN behind extension headers, each of which
// has its kind and its size in bytes.
func chained(headers ...extension) []byte {
	b := make([]byte, header.IPv6MinimumSize)
	next := &b[6]
	for _, h := range headers {
		*next = h.kind
		e := make([]byte, h.size)
		e[1] = byte(h.size/8 - 1)
		switch h.kind {
		case fragment:
			e[1] = 0
			binary.BigEndian.PutUint16(e[2:], h.offset)
		case hopByHop, destination:
			e[2], e[3] = 1, 4 // PadN, and then Pad1 for the rest
		}
		b = append(b, e...)
		next = &b[len(b)-h.size]
	}
	*next = tcpNext
	syn := header.TCP(make([]byte, header.TCPMinimumSize))
	syn.Encode(&header.TCPFields{SrcPort: 1, DstPort: 80, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagSyn})
	b = append(b, syn...)
	b[0] = 6 << 4
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-header.IPv6MinimumSize))
	return b
}

type extension struct {
	kind   byte
	size   int
	offset uint16 // of a fragment: in units of 8 bytes times 8, and the bit of more
}

// A view that ends within the headers says so, and whether it knows what the
// packet carries.
func TestViewSaysThatItIsShort(t *testing.T) {
	eight := make([]extension, 8)
	for i := range eight {
		eight[i] = extension{kind: destination, size: 8}
	}
	whole := chained(extension{kind: destination, size: 64})
	for name, c := range map[string]struct {
		b      []byte
		short  bool
		syn    bool
		proto  int
		isPart bool
	}{
		"all of it":                   {b: whole, syn: true, proto: 6},
		"a chain that ends within":    {b: whole[:40+63], short: true},
		"a chain that ends between":   {b: whole[:40+1], short: true},
		"nothing but the IP header":   {b: whole[:40], short: true},
		"the transport header within": {b: whole[:40+64+19], short: true, proto: 6},
		"the experimental header":     {b: chained(extension{kind: experimental, size: 8}), syn: true, proto: 6},
		"seven headers":               {b: chained(eight[:7]...), syn: true, proto: 6},
		"eight, and what they carry":  {b: chained(eight...), short: true},
		"a first fragment":            {b: chained(extension{kind: fragment, size: 8, offset: 1}), syn: true, proto: 6, isPart: true},
		"a later fragment":            {b: chained(extension{kind: fragment, size: 8, offset: 8}), proto: 6, isPart: true},
		"a fragment's header within":  {b: chained(extension{kind: fragment, size: 8, offset: 1})[:40+7], short: true},
	} {
		var v link.View
		require.True(t, v.Parse(ip6, c.b), name)
		require.Equal(t, c.short, v.Short, name)
		require.Equal(t, c.syn, v.TCP != nil, name)
		require.EqualValues(t, c.proto, v.Transport, name)
		require.Equal(t, c.isPart, v.Fragment, name)
	}
	// IPv4 has no chain, but a first fragment may end within TCP's header.
	var v link.View
	first := []byte{0x45, 0, 0, 28, 0, 0, 0x20, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 80, 0, 0, 0, 0}
	require.True(t, v.Parse(ip4, first))
	require.True(t, v.Short && v.Fragment)
}

// Headers that do not fit into what is usually looked at are looked at all the
// same, also where they do not lie in one piece.
func TestTapLooksFurtherWhereHeadersAreLong(t *testing.T) {
	for _, size := range []int{8, 128, 256, 512, 2048} {
		for _, at := range []int{0, 50, 300} {
			w := link.NewWire(link.WireConfig{MTU: 4096})
			tap := link.NewTap(w.B())
			seen := make(chan bool, 1)
			tap.Listen(func(_ trace.Direction, _ *gstack.PacketBuffer, v *link.View) bool {
				seen <- v.TCP != nil && v.TCP.DestinationPort() == 80 && !v.Short
				return true
			})
			there := newSink()
			tap.Attach(there)

			b := chained(extension{kind: hopByHop, size: size})
			cut := min(at, len(b))
			data := buffer.MakeWithData(b[:cut])
			rest := buffer.MakeWithData(b[cut:])
			data.Merge(&rest)
			pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: data})
			pkt.NetworkProtocolNumber = ip6
			var list gstack.PacketBufferList
			list.PushBack(pkt)
			_, err := w.A().WritePackets(list)
			require.Nil(t, err)
			list.DecRef()

			require.True(t, <-seen, "%d bytes of options, in two pieces from %d on", size, cut)
			<-there.came
			require.Equal(t, string(b), there.packets[0], "looking changes nothing")
			require.NoError(t, w.Close())
		}
	}
}
