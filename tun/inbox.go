package tun

import "gvisor.dev/gvisor/pkg/buffer"

// inbox is what packets are read into: one buffer of the largest size, used
// again and again. What is kept of a small packet is a copy of its own size; a
// packet that fills more than half of the buffer is handed over in it, and a
// fresh buffer takes its place. So no packet occupies more than about twice its
// size (gVisor rounds memory up to a power of two anyway), and the large ones
// are not copied.
type inbox struct {
	spare *buffer.View
	tail  [64]byte // what a TAP frame may have more than inboxSize, with room for a tag
}

const (
	// inboxSize is the largest memory that gVisor keeps for reuse.
	inboxSize = buffer.MaxChunkSize

	// headSize is how much of a large packet's front gets a view of its own.
	// gVisor holds a segment and its packet as clones that share memory, and
	// copies a whole shared view whenever it looks at a header in it: 64 KiB for
	// the 20 bytes of an IP header. Package link looks at 256 bytes from the
	// network header on, and what lies in two views is made one, also by copying.
	// 512 leaves room for both, and for the Ethernet header before them.
	headSize = 512

	// splitFrom is the packet size from which a second view costs less than
	// those copies.
	splitFrom = 4096
)

// space is where the next packet goes; what does not fit goes to in.tail.
func (in *inbox) space() []byte {
	if in.spare == nil {
		in.spare = buffer.NewViewSize(inboxSize)
	}
	return in.spare.AsSlice()
}

// frame is the packet of n bytes that was read, until the next call of take or
// space.
func (in *inbox) frame(n int) []byte {
	if more := n - in.spare.Size(); more > 0 {
		whole := buffer.NewView(n)
		whole.Write(in.spare.AsSlice())
		whole.Write(in.tail[:more])
		in.spare.Release()
		in.spare = whole
	}
	return in.spare.AsSlice()[:n]
}

// take gives the packet of n bytes, whose frame was called before, to the
// caller.
func (in *inbox) take(n int) buffer.Buffer {
	b := in.spare.AsSlice()[:n]
	if n < splitFrom {
		return buffer.MakeWithView(buffer.NewViewWithData(b))
	}
	packet := buffer.MakeWithView(buffer.NewViewWithData(b[:headSize]))
	rest := in.spare
	if n <= inboxSize/2 {
		rest = buffer.NewViewWithData(b[headSize:])
	} else {
		in.spare = nil
		rest.CapLength(n)
		rest.TrimFront(headSize)
	}
	packet.Append(rest)
	return packet
}
