package engineio

// sendQueue is what waits to be sent to one peer. The owner's lock guards it.
type sendQueue struct {
	packets []Outgoing
	spare   []Outgoing // the memory of the batch before
	count   int        // packets, also those taken but not yet written
	bytes   int        // of those
}

// keepPackets is how large a batch's memory is kept for the next one: an idle
// session holds little.
const keepPackets = 16

// add appends packets. It reports false, and adds nothing, where that would be
// more than the limits allow; what comes first always fits.
func (q *sendQueue) add(maxPackets, maxBytes int, packets ...Outgoing) bool {
	if !q.fits(maxPackets, maxBytes, packets) {
		return false
	}
	q.append(packets)
	return true
}

// fits reports whether the limits allow packets to be added.
func (q *sendQueue) fits(maxPackets, maxBytes int, packets []Outgoing) bool {
	return q.count == 0 || q.count+len(packets) <= maxPackets && q.bytes+wireBytes(packets) <= maxBytes
}

// append adds packets whatever the limits.
func (q *sendQueue) append(packets []Outgoing) {
	q.packets = append(q.packets, packets...)
	q.count += len(packets)
	q.bytes += wireBytes(packets)
}

// wireBytes is what packets have on the wire together, bytes.
func wireBytes(packets []Outgoing) int {
	size := 0
	for i := range packets {
		size += len(packets[i].wire)
	}
	return size
}

// take is all that waits. The caller hands every packet back with wrote, and
// the batch with reuse.
func (q *sendQueue) take() []Outgoing {
	batch := q.packets
	q.packets, q.spare = q.spare[:0], nil
	return batch
}

// left takes the first n packets out, which were written without being taken.
func (q *sendQueue) left(n int) {
	switch {
	case n < len(q.packets):
		clear(q.packets[:n])
		q.packets = q.packets[n:]
	case cap(q.packets) <= keepPackets:
		clear(q.packets)
		q.packets = q.packets[:0]
	default:
		q.packets = nil
	}
}

// wrote says that a packet of a batch left.
func (q *sendQueue) wrote(p Outgoing) {
	q.count--
	q.bytes -= len(p.wire)
}

// reuse gives a batch's memory back.
func (q *sendQueue) reuse(batch []Outgoing) {
	clear(batch)
	if cap(batch) <= keepPackets {
		q.spare = batch[:0]
	}
}

// drop forgets everything.
func (q *sendQueue) drop() { *q = sendQueue{} }
