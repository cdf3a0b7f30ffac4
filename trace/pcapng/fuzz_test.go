package pcapng

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// rewrite writes the blocks of a file that a Writer can write: the first
// section's and everything but later section headers.
func rewrite(t testing.TB, file []byte) []byte {
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	var w *Writer
	for range 10_000 {
		b, err := r.Next()
		if err != nil {
			require.NotEmpty(t, err.Error())
			break
		}
		switch b := b.(type) {
		case Section:
			if w != nil {
				require.NoError(t, w.Close())
				return out.Bytes() // a Writer writes one section
			}
			w, err = NewWriter(&out, Options(b))
		case Interface:
			_, err = w.AddInterface(b)
		case Captured:
			err = w.WritePacket(b.Interface, b.Packet)
		case Secrets:
			if len(b.Data) <= maxBlock/2 {
				err = w.WriteSecrets(b)
			}
		}
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// Whatever the file, the Reader does not panic; and what it gave, written, is
// read as the same: writing that again gives the same bytes.
func FuzzReader(f *testing.F) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		file := sectionOf(order)
		f.Add(bytes.Clone(file))
		file = append(file, block(order, typeInterface, uint16(1), uint16(0), uint32(64), uint16(optInterfaceName), uint16(3), "eth0")...)
		file = append(file, block(order, typeInterface, uint16(1), uint16(0), uint32(64), uint16(optInterfaceResolution), uint16(1), "\x8a\x00\x00\x00")...)
		file = append(file, block(order, 77, "abcd")...)
		file = append(file, block(order, typeSecrets, uint32(TLSKeyLog), uint32(3), "abc\x00")...)
		file = append(file, block(order, typePacket, uint32(0), uint32(1), uint32(2), uint32(3), uint32(9), "abc\x00",
			uint16(optComment), uint16(1), "c\x00\x00\x00", uint16(optPacketFlags), uint16(4), uint32(1), uint32(0))...)
		f.Add(bytes.Clone(file))
		f.Add(append(file, sectionOf(order)...))
		f.Add(file[:len(file)-5])
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		once := rewrite(t, file)
		if once != nil {
			require.Equal(t, once, rewrite(t, once))
		}
	})
}

// Whatever the packet, what is written is what is read.
func FuzzWriteRead(f *testing.F) {
	f.Add("strata", "tun0", uint16(101), uint32(0), int64(1<<60), uint8(1), []byte("packet"), 3, 10, "comment")
	f.Add("", "", uint16(0), uint32(1), int64(0), uint8(0), []byte{}, 0, 0, "")
	f.Add("\xff", "é\x80", uint16(1), uint32(1<<30), int64(1), uint8(2), []byte{0}, 1, -1, "\xc3")
	f.Fuzz(func(t *testing.T, app, name string, link uint16, snap uint32, at int64, dir uint8, data []byte, cut, size int, comment string) {
		cut = min(max(cut, 0), len(data))
		size = min(size, 1<<31-1)
		p := Packet{
			Time: time.Unix(0, at&(1<<62-1)).UTC(), Dir: trace.Direction(dir % 3),
			Data: [][]byte{data[:cut], data[cut:]}, OrigLen: size, Comment: comment,
		}
		var file bytes.Buffer
		w, err := NewWriter(&file, Options{App: app})
		if len(app) > maxOption {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		id, err := w.AddInterface(Interface{Name: name, LinkType: LinkType(link), SnapLen: snap})
		if len(name) > maxOption {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		err = w.WritePacket(id, p)
		if len(comment) > maxOption {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.NoError(t, w.WriteSecrets(Secrets{Type: SecretsType(snap), Data: data}))
		require.NoError(t, w.Close())

		r, err := NewReader(&file)
		require.NoError(t, err)
		next := func() Block {
			b, err := r.Next()
			require.NoError(t, err)
			return b
		}
		require.Equal(t, Section{App: validText(app)}, next())
		if snap == 0 || snap > MaxSnapLen {
			snap = MaxSnapLen
		}
		require.Equal(t, Interface{Name: validText(name), LinkType: LinkType(link), SnapLen: snap}, next())
		p.OrigLen = max(size, len(data))
		p.Data = [][]byte{append([]byte{}, data[:min(len(data), int(snap))]...)}
		p.Comment = validText(comment)
		require.Equal(t, Captured{id, p}, next())
		s := next().(Secrets)
		require.Equal(t, len(data), len(s.Data))
		require.True(t, bytes.Equal(data, s.Data))
		_, err = r.Next()
		require.Equal(t, io.EOF, err)
	})
}
