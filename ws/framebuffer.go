package ws

import "sync"

// The sizes of the buffers that frames are put together in: header and payload
// leave in one write where they fit.
const (
	smallFrame = 4 << 10
	largeFrame = 64 << 10
)

var (
	smallFrames = sync.Pool{New: func() any { return new([smallFrame]byte) }}
	largeFrames = sync.Pool{New: func() any { return new([largeFrame]byte) }}
)

// frameBuffer is a buffer from a pool; put gives it back.
type frameBuffer struct {
	small *[smallFrame]byte
	large *[largeFrame]byte
}

// newFrameBuffer is a buffer for a frame of n bytes of payload; for more than
// there is, the largest.
func newFrameBuffer(n int) frameBuffer {
	if n <= smallFrame-maxHeader {
		return frameBuffer{small: smallFrames.Get().(*[smallFrame]byte)}
	}
	return frameBuffer{large: largeFrames.Get().(*[largeFrame]byte)}
}

func (b frameBuffer) bytes() []byte {
	if b.small != nil {
		return b.small[:]
	}
	return b.large[:]
}

func (b frameBuffer) put() {
	if b.small != nil {
		smallFrames.Put(b.small)
	} else {
		largeFrames.Put(b.large)
	}
}
