package capture

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
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
	to    *target
	spool *spool
	w     *pcapng.Writer // into spool
	loop  clock.Loop

	stop chan struct{} // closed by Close
	done chan struct{} // closed when the flusher has ended
	once sync.Once
	err  error // Close's

	missing atomic.Uint64

	mu  sync.Mutex
	buf []byte
}

// Create opens the file at path, or makes it. What was there stays as it is
// until Begin. Packets get the time of loop.
//
// Path may be a FIFO, /dev/stdout or the like, into another program. A FIFO
// needs no reader yet: it gets all from the first packet on, as far as that may
// wait.
func Create(path string, loop clock.Loop) (*File, error) {
	to, err := openTarget(path)
	if err != nil {
		return nil, err
	}
	f := &File{to: to, spool: newSpool(to), loop: loop, stop: make(chan struct{}), done: make(chan struct{})}
	if f.w, err = pcapng.NewWriter(f.spool, pcapng.Options{App: "strata"}); err != nil {
		_ = to.close()
		to.remove()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	go f.flush()
	return f, nil
}

// Begin empties what was at the path, and begins to write: for when nothing can
// fail any more that would make the capture pointless.
func (f *File) Begin() error {
	if err := f.to.begin(); err != nil {
		return err
	}
	f.spool.begin()
	return nil
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
// capture, not the traffic; Close reports it. One that is too slow does not hold
// up the traffic either: packets are left out then, and counted (see Missing).
func (f *File) Interface(name, description string, ethernet bool) (link.Listener, error) {
	linkType := pcapng.LinkTypeRaw
	if ethernet {
		linkType = pcapng.LinkTypeEthernet
	}
	id, err := f.w.AddInterface(pcapng.Interface{Name: name, LinkType: linkType, Description: description})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.to.path, err)
	}
	return func(dir trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
		if !f.spool.room(spoolLimit) {
			f.missing.Add(1)
			return true
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		// Who leaves a checksum to others says so; one that is wrong stays wrong.
		f.buf = link.AppendPacket(f.buf[:0], pkt, pkt.GSOOptions.NeedsCsum)
		_ = f.w.WritePacket(id, pcapng.Packet{Time: f.loop.Now(), Dir: dir, Data: [][]byte{f.buf}})
		return true
	}, nil
}

// Missing is how many packets were left out because the file was too slow.
func (f *File) Missing() uint64 { return f.missing.Load() }

// KeyLog is where the keys of TLS go, so that Wireshark decrypts what was
// captured (tls.Config.KeyLogWriter).
func (f *File) KeyLog() io.Writer { return keyLog{f, f.w.KeyLog()} }

type keyLog struct {
	f    *File
	next io.Writer
}

// Write keeps keys while there is room for twice as much as for packets: a
// packet can be missed, a key makes a connection unreadable.
func (k keyLog) Write(line []byte) (int, error) {
	if !k.f.spool.room(2 * spoolLimit) {
		return len(line), nil
	}
	return k.next.Write(line)
}

// Close completes the file. A target that takes nothing is given two seconds.
// It may be called again.
func (f *File) Close() error {
	f.once.Do(func() {
		close(f.stop)
		<-f.done
		f.err = cmp.Or(f.w.Close(), f.spool.close(), f.to.close())
		if f.err != nil && !strings.Contains(f.err.Error(), f.to.path) {
			f.err = fmt.Errorf("%s: %w", f.to.path, f.err)
		}
	})
	return f.err
}

// Discard closes the file, and removes it if Create made it.
func (f *File) Discard() {
	_ = f.Close()
	f.to.remove()
}
