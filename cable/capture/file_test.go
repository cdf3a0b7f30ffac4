package capture_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/cable/capture"
	"strata/clock"
	"strata/trace"
	"strata/trace/pcapng"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// udp is a datagram by hand whose checksum is the pseudo-header's part only.
func udp() []byte {
	b := make([]byte, 33)
	ip := header.IPv4(b)
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(header.UDPProtocolNumber),
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}),
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	header.UDP(b[20:]).Encode(&header.UDPFields{SrcPort: 1000, DstPort: 2000, Length: 13})
	copy(b[28:], "hello")
	header.UDP(b[20:]).SetChecksum(pseudo(b))
	return b
}

func pseudo(b []byte) uint16 {
	ip := header.IPv4(b)
	return header.PseudoHeaderChecksum(header.UDPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(b)-20))
}

// A checksum that was left to others is completed in the file, and in the file
// only; one that nobody speaks for is kept, right or wrong.
func TestFileHasWhatAWireWouldCarry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	f, err := capture.Create(path, clock.Real())
	require.NoError(t, err)
	see, err := f.Interface("cable0", "an end", false)
	require.NoError(t, err)
	require.NoError(t, f.Begin())
	for _, needs := range []bool{true, false} {
		pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(udp())})
		pkt.GSOOptions.NeedsCsum = needs
		require.True(t, see(trace.In, pkt, nil), "it drops nothing")
		require.Equal(t, udp(), pkt.ToView().ToSlice(), "and changes nothing")
		pkt.DecRef()
	}
	require.NoError(t, f.Close())
	require.NoError(t, f.Close(), "a second time")

	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	r, err := pcapng.NewReader(file)
	require.NoError(t, err)
	var got [][]byte
	for {
		block, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if p, ok := block.(pcapng.Captured); ok {
			require.Equal(t, trace.In, p.Dir)
			got = append(got, p.Data[0])
		}
	}
	require.Len(t, got, 2)
	require.EqualValues(t, 0xffff, checksum.Checksum(got[0][20:], pseudo(got[0])), "completed")
	require.Equal(t, udp(), got[1], "as it was")
}

func TestDiscardLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	f, err := capture.Create(path, clock.Real())
	require.NoError(t, err)
	f.Discard()
	require.NoFileExists(t, path)

	_, err = capture.Create(filepath.Join(path, "nowhere"), clock.Real())
	require.ErrorContains(t, err, path)
}
