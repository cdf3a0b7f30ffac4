package stack

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Which acknowledgements may wait, of a connection that has acknowledged 1000 last,
// and with a window of 1000<<7 bytes.
func TestWhichAckMayWait(t *testing.T) {
	const mtu = 1500
	plain := header.TCPFields{SeqNum: 7, AckNum: 1000 + 1448, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagAck, WindowSize: 1000}
	for _, c := range []struct {
		name   string
		change func(s *ackState, f *header.TCPFields)
		want   bool
	}{
		{"of one segment", func(*ackState, *header.TCPFields) {}, true},
		{"of two", func(_ *ackState, f *header.TCPFields) { f.AckNum += 1448 }, false},
		{"of nothing new", func(_ *ackState, f *header.TCPFields) { f.AckNum = 1000 }, false},
		{"of less than before", func(_ *ackState, f *header.TCPFields) { f.AckNum = 999 }, false},
		{"with PSH, as data has it", func(_ *ackState, f *header.TCPFields) { f.Flags |= header.TCPFlagPsh }, false},
		{"that closes the window", func(_ *ackState, f *header.TCPFields) { f.WindowSize = 0 }, false},
		{"behind a gap", func(s *ackState, _ *header.TCPFields) { s.gap = true }, false},
		{"behind our FIN", func(s *ackState, _ *header.TCPFields) { s.ending = true }, false},
		{"where one waits", func(s *ackState, _ *header.TCPFields) { s.held = gstack.NewPacketBuffer(gstack.PacketBufferOptions{}) }, false},
		{"where another segment fits the window", func(s *ackState, _ *header.TCPFields) { s.window = 1448 + mtu }, true},
		// The sender has filled the window, and has no second segment to send.
		{"where none does", func(s *ackState, _ *header.TCPFields) { s.window = 1448 + mtu - 1 }, false},
		{"of what nobody had let it send", func(s *ackState, _ *header.TCPFields) { s.window = 0 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &ackState{sent: 1000, window: 1000 << 7, scale: 7}
			f := plain
			c.change(s, &f)
			h := make(header.TCP, header.TCPMinimumSize)
			h.Encode(&f)
			pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{})
			require.Equal(t, c.want, s.mayWait(h, pkt, mtu))
			pkt.DecRef()
			if s.held != nil {
				s.held.DecRef()
			}
		})
	}
}

// What is sent counts, by the connection's scale.
func TestAckIsTold(t *testing.T) {
	s := &ackState{sent: 1000, window: 65535, scale: 7}
	h := make(header.TCP, header.TCPMinimumSize)
	h.Encode(&header.TCPFields{AckNum: 2448, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagAck, WindowSize: 498})
	s.told(h)
	require.EqualValues(t, 2448, s.sent)
	require.EqualValues(t, 498*128, s.window)
}
