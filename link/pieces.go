package link

import (
	"gvisor.dev/gvisor/pkg/buffer"
)

const (
	// manyPieces is from where on a packet may be worth copying.
	manyPieces = 16

	// smallPiece is the mean size, in bytes, below which copying a piece costs
	// less than handing it on.
	smallPiece = 512
)

// inFewPieces gives b, or a copy where b lies in many small pieces: then the
// sender's program wrote a little at a time, and each of its writes is a piece of
// the super-packet. The receiver would take its time for each of them with every
// Read, and count the memory of each against its receive buffer, many times what
// the window was for: so that it dropped what came next, and the sender waited
// for its RTO. What lies in the first piece, the headers, stays apart: gVisor
// copies the piece that a header is in.
func inFewPieces(b buffer.Buffer) buffer.Buffer {
	views := b.AsViewList()
	n := 0
	for v := views.Front(); v != nil; v = v.Next() {
		n++
	}
	if n < manyPieces || int(b.Size())/n >= smallPiece {
		return b
	}
	first := views.Front()
	payload := buffer.NewView(int(b.Size()) - first.Size())
	for v := first.Next(); v != nil; v = v.Next() {
		payload.Write(v.AsSlice())
	}
	few := buffer.MakeWithView(first.Clone())
	few.Append(payload)
	b.Release()
	return few
}
