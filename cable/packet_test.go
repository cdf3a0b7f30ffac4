package cable

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
)

// sendOne sends one IPv4 packet of no known protocol.
func sendOne(t *testing.T, end *link.End) {
	t.Helper()
	b := make([]byte, 20)
	header.IPv4(b).Encode(&header.IPv4Fields{TotalLength: 20, TTL: 64, Protocol: 253})
	var list gstack.PacketBufferList
	defer list.Reset()
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
	list.PushBack(pkt)
	_, err := end.WritePackets(list)
	require.Nil(t, err)
}
