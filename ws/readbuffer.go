package ws

// readBuffer holds what was read from the connection and not yet parsed: one
// read brings as many frames as are there.
type readBuffer struct {
	buf  []byte
	r, w int // buf[r:w] is unparsed
}

func newReadBuffer(initial []byte) readBuffer {
	b := readBuffer{buf: make([]byte, max(readBufferSize, len(initial)))}
	b.w = copy(b.buf, initial)
	return b
}

// bytes is what is there.
func (b *readBuffer) bytes() []byte { return b.buf[b.r:b.w] }

func (b *readBuffer) len() int { return b.w - b.r }

// take removes n bytes from the front.
func (b *readBuffer) take(n int) {
	b.r += n
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
}

// space is where to read more to. It is never empty where less than a control
// frame is in the buffer, which is the most that a parser waits for.
func (b *readBuffer) space() []byte {
	if b.r > 0 {
		b.w = copy(b.buf, b.buf[b.r:b.w])
		b.r = 0
	}
	return b.buf[b.w:]
}

// grew says that n bytes were read into space.
func (b *readBuffer) grew(n int) { b.w += n }
