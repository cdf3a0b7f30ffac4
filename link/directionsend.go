package link

import (
	"slices"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// inbound is a packet as the receiver wants it: of its own, without the
// headers' marks that the sender's stack has set; the bytes are shared, not
// copied, but where they lie in many small pieces. What a super-packet is stays known, for whoever sends it on.
func inbound(pkt *gstack.PacketBuffer) *gstack.PacketBuffer {
	in := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: inFewPieces(pkt.ToBuffer())})
	in.GSOOptions = pkt.GSOOptions
	return in
}

// send queues pkts for delivery. It takes no reference of the caller's.
func (d *Direction) send(pkts gstack.PacketBufferList) {
	if !d.wire.rules.none() || !d.sendWhole(pkts.AsSlice()) {
		d.sendSingly(pkts.AsSlice())
	}
}

// sendWhole is send where the wire is perfect; it reports whether it is.
func (d *Direction) sendWhole(pkts []*gstack.PacketBuffer) bool {
	told := d.heard()
	d.mu.Lock()
	if d.special || len(d.flight) > 0 || d.waiting != nil && d.waiting.len() > 0 {
		d.mu.Unlock()
		return false
	}
	for _, pkt := range pkts {
		size, count := pkt.Size(), segments(pkt)
		d.number += uint64(count)
		d.counters.Packets += uint64(count)
		d.counters.Bytes += uint64(size)
		why := d.refused(size)
		if why != 0 {
			*d.counters.of(why) += uint64(count)
			if !told {
				continue
			}
		}
		q := queued{inbound(pkt), pkt.NetworkProtocolNumber, int32(count), Corrupted(pkt), nil}
		if told {
			now := d.now()
			q.told = d.note(q.pkt, q.proto, d.number, now)
			if why != 0 {
				d.tellWhole(&q, why, now)
				q.pkt.DecRef()
				continue
			}
		}
		d.queue = append(d.queue, q)
		d.accepted(count, size)
	}
	start := len(d.queue) > 0 && !d.asked && !d.running
	if start && d.direct {
		d.deliverHere()
		start = len(d.queue) > 0
	}
	if start {
		d.asked = true
	}
	d.mu.Unlock()
	if start {
		d.loop.At(d.loop.Now(), d.run)
	}
	return true
}

// sendSingly is send where packets go their own ways.
func (d *Direction) sendSingly(pkts []*gstack.PacketBuffer) {
	d.sending.Lock()
	defer d.sending.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.advance(now)
	for _, pkt := range pkts {
		proto := pkt.NetworkProtocolNumber
		if d.special && !d.shut || !d.wire.rules.none() {
			d.cut = d.cutter.cut(d.cut[:0], pkt, int(d.from.MTU()))
			for i, segment := range d.cut {
				d.sendOne(d.newPacket(segment, proto, 1), now)
				d.cut[i] = nil
			}
			if len(d.cut) > 0 {
				continue
			}
		}
		p := d.newPacket(inbound(pkt), proto, segments(pkt))
		if Corrupted(pkt) {
			p.damage = hostSees
		}
		d.sendOne(p, now)
	}
	d.arm(now)
}

// sendOne asks the rules about a packet and does what they say. The lock is not
// held while they look.
func (d *Direction) sendOne(p *packet, now time.Duration) {
	d.number += uint64(p.count)
	number := d.number
	d.counters.Packets += uint64(p.count)
	d.counters.Bytes += uint64(p.size)
	verdict := Pass
	if !d.wire.rules.none() {
		var reset *packet
		verdict, reset = d.ask(p, number)
		now = max(now, d.advanced)
		if reset != nil {
			d.admitReset(reset, now)
		}
	}
	d.admit(p, number, verdict, now)
}

// ask asks the rules, with the lock released. A reset for the sender goes out
// the other way at once; the one for the receiver is returned.
func (d *Direction) ask(p *packet, number uint64) (Verdict, *packet) {
	d.mu.Unlock()
	defer d.mu.Lock()
	verdict, forward, back := d.wire.rules.decide(p, number, d.fromA, d.from.linkHeader())
	if back != nil {
		d.to.out.inject(back)
	}
	return verdict, forward
}

// admit decides what happens to a packet that was sent.
func (d *Direction) admit(p *packet, number uint64, verdict Verdict, now time.Duration) {
	f := d.fates.draw(d.draws, number)
	p.delay, p.early = f.delay, f.early
	p.told = d.note(p.pkt, p.proto, number, now)
	if d.overrule != nil {
		f.lost = d.overrule(number, f.lost)
	}
	c := &d.counters
	why := d.severed()
	switch {
	case why != 0:
	case verdict == Drop || verdict == Reset:
		why = causeRule
	case f.lost:
		why = causeLoss
	case d.shape.MTU > 0 && p.size-d.from.linkHeader() > d.shape.MTU:
		why = causeMTU
	}
	if why != 0 {
		d.reject(p, why, now)
		return
	}
	if verdict > 0 {
		p.extra = time.Duration(verdict)
		c.Delayed++
	}
	if verdict == Mark {
		if marked := mark(p.pkt, p.proto, d.from.linkHeader()); marked != nil {
			p.pkt.DecRef()
			p.pkt = marked
			c.Marked++
		}
	}
	var twin *packet
	if f.duplicate || verdict == Duplicate {
		twin = d.newPacket(inbound(p.pkt), p.proto, p.count)
		twin.delay, twin.early, twin.extra, twin.damage = p.delay, p.early, p.extra, p.damage
		twin.told = p.told.copy()
		c.Duplicated += uint64(p.count)
	}
	if f.corrupt || verdict == Corrupt {
		d.corrupt(p, number, drawCorruptBit)
	}
	d.enqueue(p, now)
	if twin != nil {
		if f.corruptCopy {
			d.corrupt(twin, number, drawOfCopy+drawCorruptBit)
		}
		d.enqueue(twin, now)
	}
}

func (d *Direction) corrupt(p *packet, number uint64, f drawFor) {
	damaged, how := corrupt(p.pkt, p.proto, d.from.linkHeader(), d.from.offload, d.draws.bits(number, f))
	p.pkt.DecRef()
	p.pkt, p.damage = damaged, max(how, p.damage)
	d.counters.Corrupted += uint64(p.count)
}

// inject sends a packet of the wire's own. It meets neither rules nor chance.
func (d *Direction) inject(p *packet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	d.advance(now)
	d.admitReset(p, now)
	d.arm(now)
}

func (d *Direction) admitReset(p *packet, now time.Duration) {
	d.counters.Injected++
	p.delay = d.shape.Delay.Time
	if p.told = d.note(p.pkt, p.proto, 0, now); p.told != nil {
		p.told.passage.Injected = true
	}
	if why := d.severed(); why != 0 {
		d.reject(p, why, now)
		return
	}
	d.enqueue(p, now)
}

// severed says why nothing passes; 0 where something may.
func (d *Direction) severed() cause {
	switch {
	case d.shut:
		return causeClosed
	case d.down:
		return causeDown
	case d.blackhole:
		return causeBlackhole
	}
	return 0
}

// refused says why a perfect wire does not take a packet of so many bytes.
func (d *Direction) refused(size int) cause {
	switch {
	case d.shut:
		return causeClosed
	case !d.fits(size):
		return causeFull
	}
	return 0
}

// reject drops a packet before it is under way.
func (d *Direction) reject(p *packet, why cause, now time.Duration) {
	*d.counters.of(why) += uint64(p.count)
	d.tell(p, why, now)
	d.free(p)
}

// enqueue gives a packet to the queue, or, where nothing waits for a rate, on
// its way.
func (d *Direction) enqueue(p *packet, now time.Duration) {
	if !d.fits(p.size) {
		d.reject(p, causeFull, now)
		return
	}
	d.accepted(p.count, p.size)
	d.order++
	p.order, p.entered = d.order, now
	if d.waiting == nil {
		p.told.sending(now, now)
		d.leave(p, now)
		return
	}
	if p.early {
		d.early++
	}
	d.waiting.push(p)
	d.advance(now)
	c := &d.counters
	c.MaxQueued, c.MaxQueuedBytes = max(c.MaxQueued, d.waiting.len()), max(c.MaxQueuedBytes, d.waiting.size())
}

// advance has the packets leave the queue that left it until now. Nobody has to
// wake up for that: it is done when it matters.
func (d *Direction) advance(now time.Duration) {
	switch {
	case d.waiting == nil:
	case d.trace != nil:
		d.trace.advance(now, d.from.linkHeader(), d.dequeue, d.leave)
	default:
		for {
			start := max(d.line.free, d.advanced)
			if start > now {
				break
			}
			p := d.dequeue(start)
			if p == nil {
				break
			}
			ended := d.line.send(start, p.size)
			p.told.sending(start, ended)
			d.leave(p, ended)
		}
	}
	d.advanced = max(d.advanced, now)
}

// dequeue takes the next packet that waits, at the time when it begins to be
// sent.
func (d *Direction) dequeue(now time.Duration) *packet {
	p := d.waiting.pop(now)
	if p != nil {
		d.dequeued(p, now)
	}
	return p
}

func (d *Direction) dequeued(p *packet, now time.Duration) {
	if p.early {
		d.early--
	}
	p.told.sending(now, now)
	waited := now - p.entered
	d.counters.QueueTime += waited
	d.counters.MaxQueueTime = max(d.counters.MaxQueueTime, waited)
}

// leave sends a packet on its way at a time: it decides when it arrives.
func (d *Direction) leave(p *packet, at time.Duration) {
	if !p.early {
		at = max(later(at, p.delay), d.last)
	}
	if !d.slots.none() {
		at = d.slots.place(d.draws, at, p.size)
	}
	if !p.early {
		d.last = at
	}
	d.flight.push(p, later(at, p.extra))
}

// fits says whether one more packet of so many bytes may be under way.
func (d *Direction) fits(size int) bool {
	return d.counters.UnderWayBytes+size <= d.max && d.held < d.most
}

func (d *Direction) accepted(count, size int) {
	d.held++
	c := &d.counters
	c.UnderWay += count
	c.UnderWayBytes += size
	c.MaxUnderWay, c.MaxUnderWayBytes = max(c.MaxUnderWay, c.UnderWay), max(c.MaxUnderWayBytes, c.UnderWayBytes)
}

// gone is accepted's contrary, for several packets in memory.
func (d *Direction) gone(held, count, size int) {
	d.held -= held
	d.counters.UnderWay -= count
	d.counters.UnderWayBytes -= size
}

// discard is lose for the queue.
func (d *Direction) discard(p *packet, why cause) {
	if p.early {
		d.early--
	}
	d.lose(p, why)
}

// lose drops a packet that was under way.
func (d *Direction) lose(p *packet, why cause) {
	d.gone(1, p.count, p.size)
	*d.counters.of(why) += uint64(p.count)
	d.tell(p, why, d.now())
	d.free(p)
}

func (d *Direction) newPacket(pkt *gstack.PacketBuffer, proto tcpip.NetworkProtocolNumber, count int) *packet {
	p := &packet{}
	if last := len(d.unused) - 1; last >= 0 {
		p, d.unused = d.unused[last], d.unused[:last]
	}
	*p = packet{pkt: pkt, proto: proto, size: pkt.Size(), count: count}
	return p
}

// free takes a packet back for the next.
func (d *Direction) free(p *packet) {
	p.pkt.DecRef()
	p.pkt = nil
	if len(d.unused) < maxUnused {
		d.unused = append(d.unused, p)
	}
}

// maxUnused bounds what is kept for reuse.
const maxUnused = 4096

func bySending(p []*packet) {
	slices.SortFunc(p, func(a, b *packet) int {
		if a.order < b.order {
			return -1
		}
		return 1
	})
}
