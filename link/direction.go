package link

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
)

// DefaultQueueBytes bounds the queue of a direction of a perfect wire: far
// above what TCP's windows put in flight there, so that only a flood meets it.
const DefaultQueueBytes = 64 << 20

// Direction is one direction of a wire: a queue that its loop drains into the
// end it leads to.
type Direction struct {
	loop clock.Loop
	to   *End
	max  int // bytes queued at most

	mu       sync.Mutex
	idle     sync.Cond // signalled when draining becomes false
	queue    []queued
	spare    []queued // the other of two slices that take turns
	bytes    int      // queued
	draining bool     // a drain is asked for or under way
	closed   bool
	counters Counters
}

type queued struct {
	proto tcpip.NetworkProtocolNumber
	pkt   *gstack.PacketBuffer
}

// Counters are what one direction of a wire has seen since it was made.
// Packets are as the stacks handed them over: a super-packet counts one.
type Counters struct {
	Packets   uint64 // sent into it
	Bytes     uint64 // of those, IP packets with headers
	Delivered uint64 // packets that arrived

	DroppedFull     uint64 // packets that found the queue full
	DroppedClosed   uint64 // packets sent into, or still queued in, a wire that was cut
	DroppedDetached uint64 // packets that found no host at the other end, or were no frame

	QueuedBytes    int // waiting now
	MaxQueuedBytes int // waiting at most, ever
}

func newDirection(loop clock.Loop, to *End, max int) *Direction {
	d := &Direction{loop: loop, to: to, max: max}
	d.idle.L = &d.mu
	return d
}

// Counters reads the counters.
func (d *Direction) Counters() Counters {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counters
	c.QueuedBytes = d.bytes
	return c
}

// send queues pkts for delivery. It takes no reference of the caller's.
func (d *Direction) send(pkts gstack.PacketBufferList) {
	d.mu.Lock()
	for _, pkt := range pkts.AsSlice() {
		size := pkt.Size()
		d.counters.Packets++
		d.counters.Bytes += uint64(size)
		switch {
		case d.closed:
			d.counters.DroppedClosed++
			continue
		case d.bytes+size > d.max:
			d.counters.DroppedFull++
			continue
		}
		// The receiver wants a packet of its own, without the headers' marks
		// that the sender's stack has set; the bytes are shared, not copied.
		d.queue = append(d.queue, queued{pkt.NetworkProtocolNumber, gstack.NewPacketBuffer(gstack.PacketBufferOptions{
			Payload: pkt.ToBuffer(),
		})})
		d.bytes += size
	}
	d.counters.MaxQueuedBytes = max(d.counters.MaxQueuedBytes, d.bytes)
	start := len(d.queue) > 0 && !d.draining
	if start {
		d.draining = true
	}
	d.mu.Unlock()
	if start {
		d.loop.At(d.loop.Now(), d.drain)
	}
}

// drain delivers what is queued, and what is queued meanwhile, in order. One
// runs at a time: draining is set while it is asked for or runs. It delivers
// with no lock held, since the receiver may send an answer before it returns.
func (d *Direction) drain() {
	d.mu.Lock()
	for len(d.queue) > 0 {
		batch := d.queue
		d.queue, d.spare = d.spare[:0], nil
		d.mu.Unlock()
		delivered, detached, size := 0, 0, 0
		for i, q := range batch {
			size += q.pkt.Size()
			if d.to.deliver(q.proto, q.pkt) {
				delivered++
			} else {
				detached++
			}
			q.pkt.DecRef()
			batch[i] = queued{}
		}
		d.mu.Lock()
		d.spare = batch
		d.bytes -= size
		d.counters.Delivered += uint64(delivered)
		d.counters.DroppedDetached += uint64(detached)
	}
	d.draining = false
	d.idle.Broadcast()
	d.mu.Unlock()
}

func (d *Direction) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for i, q := range d.queue {
		d.bytes -= q.pkt.Size()
		q.pkt.DecRef()
		d.queue[i] = queued{}
		d.counters.DroppedClosed++
	}
	d.queue = d.queue[:0]
}

// wait returns when no delivery is under way.
func (d *Direction) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.draining {
		d.idle.Wait()
	}
}
