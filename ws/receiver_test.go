package ws

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// drive gives wire to a receiver in chunks of the sizes of chops (repeated; none:
// all at once), as Conn does, and says what came out. Payload is taken as it
// comes, and each byte once.
func drive(wire []byte, chops []byte, fromClient bool, limit int64) (out []string, code StatusCode) {
	r := receiver{fromClient: fromClient}
	var buf, message []byte
	for i := 0; ; i++ {
		// All that can be taken from what is there.
		for {
			if r.left > 0 {
				n := min(r.left, int64(len(buf)))
				if n == 0 {
					break
				}
				err := r.payload(buf[:n])
				message = append(message, buf[:n]...)
				buf = buf[n:]
				if err != nil {
					return out, err.Code
				}
			} else if !r.messageDone() {
				f, n, err := r.next(buf, limit)
				if err != nil {
					return out, err.Code
				}
				if n == 0 {
					if len(buf) >= maxHeader+maxControl {
						panic("the receiver wants more than the largest control frame")
					}
					break
				}
				buf = buf[n:]
				if f.opcode.isControl() {
					out = append(out, fmt.Sprintf("%v %q", f.opcode, f.payload))
				}
			}
			if r.messageDone() {
				out = append(out, fmt.Sprintf("%v %q", r.typ, message))
				message = nil
				r.endMessage()
			}
		}
		if len(wire) == 0 {
			return out, 0
		}
		n := len(wire)
		if len(chops) > 0 {
			n = min(n, 1+int(chops[i%len(chops)]))
		}
		buf = append(buf[:len(buf):len(buf)], wire[:n]...)
		wire = wire[n:]
	}
}

// However the bytes are cut, the same frames and messages come out, and the same
// close code where they are wrong.
func FuzzReceiver(f *testing.F) {
	for _, s := range conformance() {
		if b := s.bytes(true); len(b) < 500 {
			f.Add(b, []byte{0}, true)
			f.Add(s.bytes(false), []byte{2, 0, 5}, false)
		}
	}
	f.Fuzz(func(t *testing.T, wire, chops []byte, fromClient bool) {
		whole, code := drive(wire, nil, fromClient, 1000)
		cut, cutCode := drive(wire, chops, fromClient, 1000)
		require.Equal(t, whole, cut)
		require.Equal(t, code, cutCode)
	})
}

// A header is written in its shortest form, read back as it was, and never from
// fewer bytes than it has.
func FuzzHeader(f *testing.F) {
	for _, n := range []int64{0, 125, 126, 65535, 65536, math.MaxInt64} {
		f.Add(byte(0x81), n, true, uint32(0x3d21fa37))
		f.Add(byte(0x02), n, false, uint32(0))
	}
	f.Fuzz(func(t *testing.T, first byte, n int64, masked bool, key uint32) {
		h := header{fin: first&0x80 != 0, rsv: first & 0x70, opcode: opcode(first & 0xf), masked: masked, length: n & math.MaxInt64}
		if masked {
			h.key = key
		}
		wire := appendHeader(nil, h)
		got, size, err := decodeHeader(append(wire, "payload"...))
		legal := h.opcode.known() && (!h.opcode.isControl() || h.fin && h.length <= maxControl)
		require.Equal(t, legal, err == nil)
		if !legal {
			return
		}
		require.Equal(t, h, got)
		require.Equal(t, len(wire), size)
		for cut := range wire {
			_, size, err := decodeHeader(wire[:cut])
			require.Nil(t, err)
			require.Zero(t, size)
		}
	})
}

// A close payload that is read is one that could be written.
func FuzzClosePayload(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3})
	f.Add([]byte("\x03\xe8bye"))
	f.Add([]byte("\x03\xed"))
	f.Add([]byte("\x0f\xa0\xff"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > maxControl {
			return
		}
		ce, err := parseClosePayload(p)
		if err != nil {
			require.Contains(t, []StatusCode{1002, 1007}, err.Code)
			return
		}
		again, werr := closePayload(ce.Code, ce.Reason)
		require.NoError(t, werr)
		require.Equal(t, string(p), string(again))
	})
}
