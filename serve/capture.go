package serve

import (
	"fmt"
	"os"
	"sync"
	"time"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
	"strata/trace"
	"strata/trace/pcapng"
	"strata/tun"
)

// capture writes what crosses a device to a file.
type capture struct {
	file    *os.File
	w       *pcapng.Writer
	id      int
	loop    clock.Loop
	offload bool

	stop chan struct{} // closed by close
	done chan struct{} // closed when the flusher has ended

	mu  sync.Mutex
	buf []byte
}

// flushEvery is how late a capture that is looked at while it grows may be.
const flushEvery = time.Second

func newCapture(path string, dev *tun.Device, loop clock.Loop) (*capture, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--pcap: %w", err)
	}
	c := &capture{file: f, loop: loop, offload: dev.Offload(), stop: make(chan struct{}), done: make(chan struct{})}
	linkType := pcapng.LinkTypeRaw
	if dev.TAP() {
		linkType = pcapng.LinkTypeEthernet
	}
	if c.w, err = pcapng.NewWriter(f, pcapng.Options{App: "strata"}); err == nil {
		c.id, err = c.w.AddInterface(pcapng.Interface{Name: dev.Name(), LinkType: linkType, Description: "strata's end of " + dev.Name()})
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("--pcap %s: %w", path, err)
	}
	go c.flush()
	return c, nil
}

func (c *capture) flush() {
	defer close(c.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
			_ = c.w.Flush() // the error stays, for close
		}
	}
}

// see is the listener of the link's tap. An error of the file ends the capture,
// not the traffic; close reports it.
func (c *capture) see(dir trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = link.AppendPacket(c.buf[:0], pkt, c.offload)
	_ = c.w.WritePacket(c.id, pcapng.Packet{Time: c.loop.Now(), Dir: dir, Data: [][]byte{c.buf}})
	return true
}

func (c *capture) close() error {
	close(c.stop)
	<-c.done
	err := c.w.Close()
	if cerr := c.file.Close(); err == nil {
		err = cerr
	}
	return err
}
