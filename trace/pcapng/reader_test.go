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

// block makes a block of whatever, in an order: what another program could
// have written.
func block(order binary.AppendByteOrder, blockType uint32, body ...any) []byte {
	var b []byte
	for _, v := range body {
		switch v := v.(type) {
		case uint16:
			b = order.AppendUint16(b, v)
		case uint32:
			b = order.AppendUint32(b, v)
		case uint64:
			b = order.AppendUint64(b, v)
		case string:
			b = append(b, v...)
		}
	}
	length := uint32(len(b) + 12)
	out := order.AppendUint32(nil, blockType)
	out = order.AppendUint32(out, length)
	return order.AppendUint32(append(out, b...), length)
}

func sectionOf(order binary.AppendByteOrder) []byte {
	return block(order, typeSection, uint32(byteOrderMagic), uint16(1), uint16(0), uint64(1<<64-1))
}

// Either byte order, several sections, blocks that are not known, the default
// resolution (microseconds) and an offset of time.
func TestReadsWhatOthersWrite(t *testing.T) {
	be, le := binary.BigEndian, binary.LittleEndian
	file := bytes.Join([][]byte{
		block(be, typeSection, uint32(byteOrderMagic), uint16(1), uint16(2), uint64(99), // the length is not believed
			uint16(1), uint16(2), "hi\x00\x00", uint16(optSectionApp), uint16(4), "dump"), // the list lacks its end
		block(be, 0x0bad, "left out"),
		block(be, typeInterface, uint16(1), uint16(0), uint32(0)),
		block(be, typeInterface, uint16(101), uint16(0), uint32(96),
			uint16(optInterfaceOffset), uint16(8), uint64(1_000_000_000),
			uint16(optInterfaceResolution), uint16(1), "\x83\x00\x00\x00", // eighths of a second
			uint16(optInterfaceName), uint16(4), "tun\xff",
			uint16(optEnd), uint16(0)),
		block(be, typePacket, uint32(0), uint32(0), uint32(1_500_000), uint32(3), uint32(9), "abc\x00"),
		block(be, typePacket, uint32(1), uint32(0), uint32(8*5+3), uint32(0), uint32(0),
			uint16(optComment), uint16(3), "one\x00", uint16(optComment), uint16(3), "two\x00",
			uint16(optPacketFlags), uint16(4), uint32(0xff00_0002)),
		sectionOf(le),
		block(le, typeInterface, uint16(101), uint16(0), uint32(0), uint16(optEnd), uint16(0), "what follows the end"),
		block(le, typePacket, uint32(0), uint32(0), uint32(7), uint32(0), uint32(0), uint16(optPacketFlags), uint16(4), uint32(3)),
	}, nil)
	require.Equal(t, []Block{
		Section{App: "dump"},
		Interface{LinkType: LinkTypeEthernet},
		Interface{LinkType: LinkTypeRaw, SnapLen: 96, Name: "tun?"}, // text is UTF-8, whatever was there
		Captured{0, Packet{Time: time.Unix(1, 500_000_000).UTC(), Data: [][]byte{[]byte("abc")}, OrigLen: 9}},
		Captured{1, Packet{Time: time.Unix(1_000_000_005, 375_000_000).UTC(), Data: [][]byte{{}}, Comment: "one", Dir: trace.Out}},
		Section{},
		Interface{LinkType: LinkTypeRaw}, // and it counts from 0 again
		Captured{0, Packet{Time: time.Unix(0, 7000).UTC(), Data: [][]byte{{}}}},
	}, readAll(t, bytes.NewReader(file)))
}

// A broken file says what is wrong and where; nothing is believed that is not
// there.
func TestBrokenFiles(t *testing.T) {
	le := binary.LittleEndian
	iface := block(le, typeInterface, uint16(101), uint16(0), uint32(0))
	swap := func(b []byte, at int, v uint32) []byte {
		b = bytes.Clone(b)
		le.PutUint32(b[at:], v)
		return b
	}
	for _, c := range []struct {
		name string
		tail []byte // after a section header and one interface
		want error
		says string
	}{
		{"cut in a type", []byte{6, 0}, io.ErrUnexpectedEOF, "byte 48"},
		{"cut in a length", []byte{6, 0, 0, 0, 1}, io.ErrUnexpectedEOF, "byte 48"},
		{"cut in a body", iface[:14], io.ErrUnexpectedEOF, "byte 48"},
		{"cut before the trailer", iface[:16], io.ErrUnexpectedEOF, ""},
		{"cut in an unknown block", block(le, 99, "12345678")[:12], io.ErrUnexpectedEOF, ""},
		{"too short", swap(iface, 4, 8), ErrFormat, "length 8"},
		{"not of fours", swap(iface, 4, 21), ErrFormat, "length 21"},
		{"too long", swap(iface, 4, maxBlock+4), ErrFormat, "length 16777220"},
		{"unknown and too long", swap(block(le, 99), 4, 0xffff_fffc), ErrFormat, "length 4294967292"},
		{"two lengths", swap(iface, len(iface)-4, 24), ErrFormat, "20 at the start and 24 at the end"},
		{"no such interface", block(le, typePacket, uint32(1), uint32(0), uint32(0), uint32(0), uint32(0)), ErrFormat, "interface 1, of 1"},
		{"short packet", block(le, typePacket, uint32(0)), ErrFormat, "packet of 4 bytes"},
		{"short interface", block(le, typeInterface, uint32(0)), ErrFormat, "interface of 4 bytes"},
		{"short secrets", block(le, typeSecrets, uint32(0)), ErrFormat, "secrets of 4 bytes"},
		{"data not there", block(le, typePacket, uint32(0), uint32(0), uint32(0), uint32(5), uint32(5), "abcd"), ErrFormat, "5 bytes said, 4 there"},
		{"secrets not there", block(le, typeSecrets, uint32(0), uint32(0xffff_ffff)), ErrFormat, "4294967295 bytes said, 0 there"},
		{"option not there", block(le, typeInterface, uint32(0), uint32(0), uint16(2), uint16(9), "abcd"), ErrFormat, "option 2: 9 bytes said"},
		{"odd flags", block(le, typePacket, uint32(0), uint32(0), uint32(0), uint32(0), uint32(0), uint16(2), uint16(2), uint32(0)), ErrFormat, "flags of 2 bytes"},
		{"odd resolution", block(le, typeInterface, uint32(0), uint32(0), uint16(9), uint16(0)), ErrFormat, "resolution of 0 bytes"},
		{"odd offset", block(le, typeInterface, uint32(0), uint32(0), uint16(14), uint16(4), uint32(0)), ErrFormat, "offset of time of 4 bytes"},
		{"time too late", block(le, typePacket, uint32(0), uint32(0xffff_ffff), uint32(0), uint32(0), uint32(0)), ErrFormat, "not between 1970 and 2262"},
		{"byte order", block(le, typeSection, uint32(1), uint16(1), uint16(0), uint64(0)), ErrFormat, "byte order 01 00 00 00"},
		{"version", block(le, typeSection, uint32(byteOrderMagic), uint16(2), uint16(0), uint64(0)), ErrFormat, "version 2"},
		{"section too short", swap(sectionOf(le), 4, 24), ErrFormat, "length 24"},
		{"section cut", sectionOf(le)[:9], io.ErrUnexpectedEOF, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(append(append(sectionOf(le), iface...), c.tail...)))
			require.NoError(t, err)
			for range 2 {
				_, err = r.Next()
				require.NoError(t, err)
			}
			_, err = r.Next()
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			_, again := r.Next()
			require.Equal(t, err, again)
		})
	}
	for _, c := range []struct {
		name string
		file []byte
		want error
	}{
		{"empty", nil, io.ErrUnexpectedEOF},
		{"a classic pcap", []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0}, ErrFormat},
		{"only the type", sectionOf(le)[:4], io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewReader(bytes.NewReader(c.file))
			require.ErrorIs(t, err, c.want)
		})
	}
}

// A length of 16 MiB with nothing behind it costs what is there, not 16 MiB.
func TestALyingLengthCostsNothing(t *testing.T) {
	file := append(sectionOf(binary.LittleEndian), 6, 0, 0, 0, 0, 0, 0, 1, 'x')
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := NewReader(bytes.NewReader(file))
			require.NoError(b, err)
			_, err = r.Next()
			require.NoError(b, err)
			_, err = r.Next()
			require.ErrorIs(b, err, io.ErrUnexpectedEOF)
		}
	}).AllocedBytesPerOp()
	require.Less(t, allocated, int64(256<<10)) // the Reader's own buffer is 64 KiB
}

// Every way to count time, at the values where 64 bits are not enough for a
// careless product.
func TestResolutions(t *testing.T) {
	const top = 1<<64 - 1
	for _, c := range []struct {
		name           string
		r              resolution
		stamp          uint64
		seconds, nanos uint64
	}{
		{"seconds", resolution{exponent: 0}, 5, 5, 0},
		{"microseconds", resolution{exponent: 6}, 1_000_001, 1, 1000},
		{"nanoseconds", resolution{exponent: 9}, top, 18446744073, 709551615},
		{"picoseconds", resolution{exponent: 12}, 1_999_999_999_999, 1, 999_999_999},
		{"10^-19", resolution{exponent: 19}, top, 1, 844674407},
		{"10^-20", resolution{exponent: 20}, top, 0, 184467440},
		{"10^-28", resolution{exponent: 28}, top, 0, 1},
		{"10^-29", resolution{exponent: 29}, top, 0, 0},
		{"10^-127", resolution{exponent: 127}, top, 0, 0},
		{"2^0", resolution{binary: true}, 7, 7, 0},
		{"2^-1", resolution{binary: true, exponent: 1}, 3, 1, 500_000_000},
		{"2^-32 (NTP)", resolution{binary: true, exponent: 32}, 3<<31 | 1, 1, 500_000_000},
		{"2^-63", resolution{binary: true, exponent: 63}, top, 1, 999_999_999},
		{"2^-64", resolution{binary: true, exponent: 64}, top, 0, 999_999_999},
		{"2^-127", resolution{binary: true, exponent: 127}, top, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, n := c.r.split(c.stamp)
			require.Equal(t, []uint64{c.seconds, c.nanos}, []uint64{s, n})
		})
	}
}
