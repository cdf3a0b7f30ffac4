package ws

// readBuffer holds what was read from the connection and not yet parsed: one
// read brings as many frames as are there. It has memory, from a pool, only
// while something is in it or is being read.
type readBuffer struct {
	mem   pooledBuffer
	extra []byte // what came with the handshake, where that is more than a buffer holds
	r, w  int    // bytes r to w are unparsed
	eager bool   // the last read filled its buffer: there is more where that came from
}

func newReadBuffer(initial []byte) (b readBuffer) {
	switch {
	case len(initial) == 0:
		return b
	case len(initial) > largeBuffer-maxHeader-maxControl:
		b.extra = append(make([]byte, 0, len(initial)+maxHeader+maxControl), initial...)
	default:
		b.mem = newLargeBuffer()
		copy(b.buf(), initial)
	}
	b.w = len(initial)
	return b
}

func (b *readBuffer) buf() []byte {
	if b.extra != nil {
		return b.extra[:cap(b.extra)]
	}
	return b.mem.bytes()
}

// bytes is what is there.
func (b *readBuffer) bytes() []byte { return b.buf()[b.r:b.w] }

func (b *readBuffer) len() int { return b.w - b.r }

// take removes n bytes from the front.
func (b *readBuffer) take(n int) {
	b.r += n
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
}

// release gives the memory back where nothing is in it. What next took from it
// must not be used any more.
func (b *readBuffer) release() {
	if b.len() == 0 {
		b.mem.put()
		b.extra = nil
		b.r, b.w = 0, 0
	}
}

// space is where to read more to, large or small as asked for where there is no
// memory yet. It is never empty where less than a control frame is in the
// buffer, which is the most that a parser waits for.
func (b *readBuffer) space(large bool) []byte {
	buf := b.buf()
	if b.len() == 0 && large && len(buf) < largeBuffer {
		b.release()
		buf = nil
	}
	switch {
	case buf == nil && large:
		b.mem = newLargeBuffer()
	case buf == nil:
		b.mem = newSmallBuffer()
	case b.r > 0:
		b.w = copy(buf, buf[b.r:b.w])
		b.r = 0
	}
	return b.buf()[b.w:]
}

// grew says that n of the room bytes of space were read.
func (b *readBuffer) grew(n, room int) {
	b.w += n
	b.eager = n == room
}
