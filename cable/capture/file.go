package capture

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
	"strata/trace"
	"strata/trace/pcapng"
)

// flushEvery is how late a capture that is looked at while it grows may be.
const flushEvery = time.Second

// File is a capture file. All methods may be called from any goroutine.
type File struct {
	file *os.File
	w    *pcapng.Writer
	loop clock.Loop

	stop chan struct{} // closed by Close
	done chan struct{} // closed when the flusher has ended
	once sync.Once
	err  error // Close's

	mu  sync.Mutex
	buf []byte
}

// Create makes the file at path, or empties the one there is. Packets get the
// time of loop.
func Create(path string, loop clock.Loop) (*File, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w, err := pcapng.NewWriter(file, pcapng.Options{App: "strata"})
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := &File{file: file, w: w, loop: loop, stop: make(chan struct{}), done: make(chan struct{})}
	go f.flush()
	return f, nil
}

func (f *File) flush() {
	defer close(f.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-tick.C:
			_ = f.w.Flush() // the error stays, for Close
		}
	}
}

// Interface adds an interface to the file, of Ethernet frames or of bare IP
// packets, and gives the listener for its tap. An error of the file ends the
// capture, not the traffic; Close reports it.
func (f *File) Interface(name, description string, ethernet bool) (link.Listener, error) {
	linkType := pcapng.LinkTypeRaw
	if ethernet {
		linkType = pcapng.LinkTypeEthernet
	}
	id, err := f.w.AddInterface(pcapng.Interface{Name: name, LinkType: linkType, Description: description})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.file.Name(), err)
	}
	return func(dir trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		// Who leaves a checksum to others says so; one that is wrong stays wrong.
		f.buf = link.AppendPacket(f.buf[:0], pkt, pkt.GSOOptions.NeedsCsum)
		_ = f.w.WritePacket(id, pcapng.Packet{Time: f.loop.Now(), Dir: dir, Data: [][]byte{f.buf}})
		return true
	}, nil
}

// KeyLog is where the keys of TLS go, so that Wireshark decrypts what was
// captured (tls.Config.KeyLogWriter).
func (f *File) KeyLog() io.Writer { return f.w.KeyLog() }

// Close completes the file. It may be called again.
func (f *File) Close() error {
	f.once.Do(func() {
		close(f.stop)
		<-f.done
		f.err = f.w.Close()
		if err := f.file.Close(); f.err == nil {
			f.err = err
		}
		if f.err != nil {
			f.err = fmt.Errorf("%s: %w", f.file.Name(), f.err)
		}
	})
	return f.err
}

// Discard closes the file and removes it.
func (f *File) Discard() {
	_ = f.Close()
	_ = os.Remove(f.file.Name())
}
