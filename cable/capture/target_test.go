//go:build unix

package capture_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/cable/capture"
	"strata/clock"
	"strata/link"
	"strata/trace"
	"strata/trace/pcapng"
)

// open opens a capture with an interface of bare IP packets.
func open(t *testing.T, path string) (*capture.File, link.Listener) {
	t.Helper()
	f, err := capture.Create(path, clock.Real())
	require.NoError(t, err)
	see, err := f.Interface("cable0", "an end", false)
	require.NoError(t, err)
	return f, see
}

// fifo makes one.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	return path
}

// show lets the listener see a packet of so many bytes.
func show(t *testing.T, see link.Listener, size int) {
	t.Helper()
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(make([]byte, size))})
	defer pkt.DecRef()
	require.True(t, see(trace.Out, pkt, nil))
}

// count reads a capture to its end, and gives how many packets it has.
func count(t *testing.T, file io.Reader) (packets int) {
	t.Helper()
	r, err := pcapng.NewReader(file)
	require.NoError(t, err)
	for {
		block, err := r.Next()
		if err == io.EOF {
			return packets
		}
		require.NoError(t, err)
		if _, ok := block.(pcapng.Captured); ok {
			packets++
		}
	}
}

// A start that fails costs nobody a file: what was there keeps what it had, also
// a device; what was made for it is gone.
func TestDiscardKeepsWhatWasThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious.pcapng")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	f, see := open(t, path)
	show(t, see, 100)
	f.Discard()
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(kept))

	link := filepath.Join(t.TempDir(), "null")
	require.NoError(t, os.Symlink(os.DevNull, link))
	f, _ = open(t, link)
	f.Discard()
	_, err = os.Lstat(link)
	require.NoError(t, err, "the link to /dev/null is still there")

	// What was made but is another's by now is another's.
	path = filepath.Join(t.TempDir(), "wire.pcapng")
	f, _ = open(t, path)
	require.NoError(t, os.Rename(path, path+".old"))
	require.NoError(t, os.WriteFile(path, []byte("another's"), 0o600))
	f.Discard()
	require.FileExists(t, path)
}

// What was longer before leaves no end behind the capture.
func TestBeginEmptiesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	f, see := open(t, path)
	show(t, see, 100)
	require.NoError(t, f.Begin())
	show(t, see, 100)
	require.NoError(t, f.Close())
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, 2, count(t, file), "from before Begin too")
}

// Wireshark may be started before or after us: the FIFO to it has all from the
// first packet on.
func TestFIFOWithALateReader(t *testing.T) {
	path := fifo(t)
	f, see := open(t, path)
	require.NoError(t, f.Begin())
	show(t, see, 100)
	reader, err := os.OpenFile(path, os.O_RDONLY, 0) // waits for us, as readers do
	require.NoError(t, err)
	defer reader.Close()
	packets := make(chan int, 1)
	go func() { packets <- count(t, reader) }()
	show(t, see, 100)
	require.NoError(t, f.Close())
	require.Equal(t, 2, <-packets)
}

// Nobody ever reads it: neither the traffic nor the end waits.
func TestFIFOWithoutReader(t *testing.T) {
	f, see := open(t, fifo(t))
	require.NoError(t, f.Begin())
	show(t, see, 100)
	require.ErrorContains(t, f.Close(), "nobody has read it")
}

// A reader that does not read keeps neither the traffic nor the end; what is
// left out is counted.
func TestStuckReader(t *testing.T) {
	path := fifo(t)
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer reader.Close()
	f, see := open(t, path)
	require.NoError(t, f.Begin())
	shown := 0
	for ; f.Missing() == 0; shown++ {
		require.Less(t, shown, 10_000, "of 64 KiB each: memory would have no bound")
		show(t, see, 64<<10)
	}
	require.Greater(t, shown, 200, "most of 16 MiB had room")
	require.ErrorContains(t, f.Close(), "took nothing")
}

// A reader that goes ends the capture; the end says so.
func TestReaderGoes(t *testing.T) {
	path := fifo(t)
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	f, see := open(t, path)
	require.NoError(t, reader.Close())
	require.NoError(t, f.Begin())
	show(t, see, 100)
	require.ErrorIs(t, f.Close(), syscall.EPIPE)
}
