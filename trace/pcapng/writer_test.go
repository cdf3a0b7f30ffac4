package pcapng

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

// What a Writer was told is what a Reader gives.
func TestWhatIsWrittenIsRead(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, Options{App: "strata test"})
	require.NoError(t, err)
	raw, err := w.AddInterface(Interface{Name: "strata0", Description: "TUN, raw IP", LinkType: LinkTypeRaw})
	require.NoError(t, err)
	eth, err := w.AddInterface(Interface{Name: "tap0", LinkType: LinkTypeEthernet, SnapLen: 16})
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, []int{raw, eth})

	require.NoError(t, w.WritePacket(raw, Packet{Time: noon, Dir: trace.In, Data: [][]byte{{1, 2}, {}, {3}}, Comment: "über"}))
	require.NoError(t, w.WriteSecrets(Secrets{Type: TLSKeyLog, Data: []byte("CLIENT_RANDOM x y\n")}))
	// Longer than the interface keeps: cut within the second piece, and the
	// length on the wire is told.
	require.NoError(t, w.WritePacket(eth, Packet{Time: noon.Add(1), Dir: trace.Out, Data: [][]byte{make([]byte, 10), make([]byte, 10)}}))
	require.NoError(t, w.WritePacket(raw, Packet{Time: noon, Data: [][]byte{{4}}, OrigLen: 1500}))
	require.NoError(t, w.WritePacket(raw, Packet{Time: time.Unix(0, 0)})) // the smallest there is
	require.NoError(t, w.Close())

	require.Equal(t, []Block{
		Section{App: "strata test"},
		Interface{Name: "strata0", Description: "TUN, raw IP", LinkType: LinkTypeRaw, SnapLen: MaxSnapLen},
		Interface{Name: "tap0", LinkType: LinkTypeEthernet, SnapLen: 16},
		Captured{0, Packet{Time: noon, Dir: trace.In, Data: [][]byte{{1, 2, 3}}, OrigLen: 3, Comment: "über"}},
		Secrets{Type: TLSKeyLog, Data: []byte("CLIENT_RANDOM x y\n")},
		Captured{1, Packet{Time: noon.Add(1), Dir: trace.Out, Data: [][]byte{make([]byte, 16)}, OrigLen: 20}},
		Captured{0, Packet{Time: noon, Data: [][]byte{{4}}, OrigLen: 1500}},
		Captured{0, Packet{Time: time.Unix(0, 0).UTC(), Data: [][]byte{{}}}},
	}, readAll(t, &file))
}

func readAll(t testing.TB, r io.Reader) []Block {
	t.Helper()
	pr, err := NewReader(r)
	require.NoError(t, err)
	var blocks []Block
	for {
		b, err := pr.Next()
		if err == io.EOF {
			return blocks
		}
		require.NoError(t, err)
		blocks = append(blocks, b)
	}
}

// What the format cannot say is refused, with what was wrong, and does not end
// the capture.
func TestRefusals(t *testing.T) {
	var file bytes.Buffer
	long := strings.Repeat("x", maxOption+1)
	_, err := NewWriter(&file, Options{App: long})
	require.ErrorContains(t, err, "65536 bytes")
	require.Zero(t, file.Len())

	w, err := NewWriter(&file, Options{})
	require.NoError(t, err)
	_, err = w.AddInterface(Interface{Name: long})
	require.ErrorContains(t, err, "name of the interface")
	require.ErrorContains(t, w.WritePacket(0, Packet{Time: noon}), "AddInterface gave 0 ids")
	id, err := w.AddInterface(Interface{})
	require.NoError(t, err)
	require.Error(t, w.WritePacket(id+1, Packet{Time: noon}))
	require.Error(t, w.WritePacket(-1, Packet{Time: noon}))
	require.ErrorContains(t, w.WritePacket(id, Packet{}), "from 1970")
	require.ErrorContains(t, w.WritePacket(id, Packet{Time: noon.AddDate(300, 0, 0)}), "to 2262")
	require.ErrorContains(t, w.WritePacket(id, Packet{Time: noon, Comment: long}), "comment")
	require.Error(t, w.WriteSecrets(Secrets{Data: make([]byte, maxBlock)}))

	require.NoError(t, w.WritePacket(id, Packet{Time: noon}))
	require.NoError(t, w.Close())
	require.Len(t, readAll(t, &file), 3) // section, interface, the one good packet
}

// failing takes the first n bytes, then fails.
type failing struct {
	n     int
	calls int
}

var errFull = errors.New("no space left on device")

func (f *failing) Write(b []byte) (int, error) {
	f.calls++
	if len(b) > f.n {
		return f.n, errFull
	}
	f.n -= len(b)
	return len(b), nil
}

// A full disk is told by one WritePacket, by every Flush and Close, and never
// written to again.
func TestFullDisk(t *testing.T) {
	_, err := NewWriter(&failing{n: 3}, Options{})
	require.ErrorIs(t, err, errFull)

	disk := &failing{n: 1000}
	w, err := NewWriter(disk, Options{})
	require.NoError(t, err)
	id, err := w.AddInterface(Interface{LinkType: LinkTypeRaw})
	require.NoError(t, err)
	var told []error
	const packets = 200
	for range packets {
		if err := w.WritePacket(id, Packet{Time: noon, Data: [][]byte{make([]byte, 1500)}}); err != nil {
			told = append(told, err)
		}
	}
	require.Len(t, told, 1)
	require.ErrorIs(t, told[0], errFull)
	require.Equal(t, 2, disk.calls) // the section, and the first full buffer
	written, lost := w.Count()
	require.Zero(t, written)
	require.EqualValues(t, packets, lost)

	_, err = w.AddInterface(Interface{})
	require.ErrorIs(t, err, errFull)
	n, err := w.KeyLog().Write([]byte("a line"))
	require.NoError(t, err, "crypto/tls would end the handshake")
	require.Equal(t, 6, n)
	require.ErrorIs(t, w.Flush(), errFull)
	require.ErrorIs(t, w.Close(), errFull)
	require.ErrorIs(t, w.Close(), errFull)
	require.ErrorIs(t, w.Err(), errFull)
}

func TestAfterClose(t *testing.T) {
	w, err := NewWriter(io.Discard, Options{})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	_, err = w.AddInterface(Interface{})
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, w.WritePacket(0, Packet{Time: noon}), os.ErrClosed)
	require.ErrorIs(t, w.WriteSecrets(Secrets{}), os.ErrClosed)
	require.ErrorIs(t, w.Flush(), os.ErrClosed)
	require.NoError(t, w.Err())
}

// Many goroutines: every packet arrives whole, those of one in their order.
func TestConcurrentWriters(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, Options{})
	require.NoError(t, err)
	const writers, each = 8, 200
	var wg sync.WaitGroup
	for i := range writers {
		id, err := w.AddInterface(Interface{Name: fmt.Sprint(i)})
		require.NoError(t, err)
		wg.Go(func() {
			for n := range each {
				_ = w.WritePacket(id, Packet{Time: noon, OrigLen: n + 1000, Data: [][]byte{bytes.Repeat([]byte{byte(i)}, n)}})
				if n%50 == 0 {
					_ = w.Flush()
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, w.Close())
	written, lost := w.Count()
	require.EqualValues(t, writers*each, written)
	require.Zero(t, lost)

	var next [writers]int
	for _, b := range readAll(t, &file) {
		if c, ok := b.(Captured); ok {
			n := next[c.Interface]
			next[c.Interface]++
			require.Equal(t, n+1000, c.OrigLen)
			require.Equal(t, bytes.Repeat([]byte{byte(c.Interface)}, n), c.Data[0])
		}
	}
	for _, n := range next {
		require.Equal(t, each, n)
	}
}

// The tap calls for every packet: it allocates nothing.
func TestWritePacketDoesNotAllocate(t *testing.T) {
	w, err := NewWriter(io.Discard, Options{})
	require.NoError(t, err)
	id, err := w.AddInterface(Interface{LinkType: LinkTypeRaw})
	require.NoError(t, err)
	packet := make([]byte, 65535) // a super-segment: fills the buffer by itself
	require.NoError(t, w.WritePacket(id, Packet{Time: noon, Data: [][]byte{packet}}))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = w.WritePacket(id, Packet{Time: noon, Dir: trace.Out, Data: [][]byte{packet[:40], packet[40:]}, Comment: "none"})
	}))
}

func BenchmarkWritePacket(b *testing.B) {
	for _, size := range []int{60, 1500, 65535} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w, err := NewWriter(io.Discard, Options{})
			require.NoError(b, err)
			id, err := w.AddInterface(Interface{LinkType: LinkTypeRaw})
			require.NoError(b, err)
			packet := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := w.WritePacket(id, Packet{Time: noon, Dir: trace.In, Data: [][]byte{packet}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
