package ws

import "sync"

// readBuffer holds what was read from the connection and not yet parsed: one
// read brings as many frames as are there. It has memory, from pools, only while
// something is in it or is being read.
type readBuffer struct {
	has *unparsed // nil: nothing
}

type unparsed struct {
	mem   pooledBuffer
	extra []byte // what came with the handshake, where that is more than a buffer holds
	r, w  int    // bytes r to w are unparsed
	eager bool   // the last read filled its buffer: there is more where that came from
}

var unparsedPool = sync.Pool{New: func() any { return new(unparsed) }}

func newReadBuffer(initial []byte) (b readBuffer) {
	if len(initial) == 0 {
		return b
	}
	b.has = unparsedPool.Get().(*unparsed)
	if len(initial) > largeBuffer-maxHeader-maxControl {
		b.has.extra = append(make([]byte, 0, len(initial)+maxHeader+maxControl), initial...)
	} else {
		b.has.mem = newLargeBuffer()
		copy(b.buf(), initial)
	}
	b.has.w = len(initial)
	return b
}

func (b *readBuffer) buf() []byte {
	if b.has.extra != nil {
		return b.has.extra[:cap(b.has.extra)]
	}
	return b.has.mem.bytes()
}

// bytes is what is there.
func (b *readBuffer) bytes() []byte {
	if b.has == nil {
		return nil
	}
	return b.buf()[b.has.r:b.has.w]
}

func (b *readBuffer) len() int {
	if b.has == nil {
		return 0
	}
	return b.has.w - b.has.r
}

// take removes n bytes from the front.
func (b *readBuffer) take(n int) {
	if n == 0 {
		return
	}
	if b.has.r += n; b.has.r == b.has.w {
		b.has.r, b.has.w = 0, 0
	}
}

// eager reports whether the last read filled its buffer.
func (b *readBuffer) eager() bool { return b.has != nil && b.has.eager }

// release gives the memory back where nothing is in it, and all that it can where
// there is the beginning of a frame: a peer that stops there does not hold a buffer.
// What next took from it must not be used any more.
func (b *readBuffer) release() {
	switch n := b.len(); {
	case b.has == nil:
	case n == 0:
		b.has.mem.put()
		*b.has = unparsed{}
		unparsedPool.Put(b.has)
		b.has = nil
	case n < tinyBuffer && len(b.buf()) > tinyBuffer:
		b.move(pooledBuffer{tiny: tinyBuffers.Get().(*[tinyBuffer]byte)})
	}
}

// move moves what is there to other memory.
func (b *readBuffer) move(to pooledBuffer) {
	n := copy(to.bytes(), b.bytes())
	b.has.mem.put()
	*b.has = unparsed{mem: to, w: n}
}

// space is where to read more to, large or small as asked for where there is no
// memory yet. It is never empty where less than a control frame is in the
// buffer, which is the most that a parser waits for.
func (b *readBuffer) space(large bool) []byte {
	switch {
	case b.has == nil:
		b.has = unparsedPool.Get().(*unparsed)
		b.has.mem = newSizedBuffer(large)
	case large && len(b.buf()) < largeBuffer:
		b.move(newLargeBuffer())
	}
	buf := b.buf()
	if b.has.r > 0 {
		b.has.w = copy(buf, buf[b.has.r:b.has.w])
		b.has.r = 0
	}
	return buf[b.has.w:]
}

// grew says that n of the room bytes of space were read.
func (b *readBuffer) grew(n, room int) {
	b.has.w += n
	b.has.eager = n == room
}
