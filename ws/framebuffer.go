package ws

import "sync"

// The sizes of buffers: of what is read and not parsed yet, of frames that are
// put together (header and payload leave in one write where they fit), and of
// frames that are held to leave together. The tiny one holds what there may be of a
// frame before its payload is taken.
const (
	tinyBuffer  = maxHeader + maxControl
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
)

var (
	tinyBuffers  = sync.Pool{New: func() any { return new([tinyBuffer]byte) }}
	smallBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

// pooledBuffer is a buffer from a pool; put gives it back. The zero value is
// none.
type pooledBuffer struct {
	tiny  *[tinyBuffer]byte
	small *[smallBuffer]byte
	large *[largeBuffer]byte
}

// newFrameBuffer is a buffer for a frame of n bytes of payload; for more than
// there is, the largest.
func newFrameBuffer(n int) pooledBuffer { return newSizedBuffer(n > smallBuffer-maxHeader) }

func newSizedBuffer(large bool) pooledBuffer {
	if large {
		return newLargeBuffer()
	}
	return newSmallBuffer()
}

func newSmallBuffer() pooledBuffer {
	return pooledBuffer{small: smallBuffers.Get().(*[smallBuffer]byte)}
}

func newLargeBuffer() pooledBuffer {
	return pooledBuffer{large: largeBuffers.Get().(*[largeBuffer]byte)}
}

func (b pooledBuffer) bytes() []byte {
	switch {
	case b.small != nil:
		return b.small[:]
	case b.large != nil:
		return b.large[:]
	case b.tiny != nil:
		return b.tiny[:]
	}
	return nil
}

func (b *pooledBuffer) put() {
	switch {
	case b.small != nil:
		smallBuffers.Put(b.small)
	case b.large != nil:
		largeBuffers.Put(b.large)
	case b.tiny != nil:
		tinyBuffers.Put(b.tiny)
	}
	*b = pooledBuffer{}
}
