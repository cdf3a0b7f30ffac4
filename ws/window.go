package ws

// window is the end of a stream, which later messages may refer to: at most max
// bytes of it, in memory that grows to that as it is needed.
type window struct {
	max int
	buf []byte
}

// add appends p to the stream.
func (w *window) add(p []byte) {
	if len(p) >= w.max {
		w.set(p)
		return
	}
	if over := len(w.buf) + len(p) - w.max; over > 0 {
		w.buf = w.buf[:copy(w.buf, w.buf[over:])]
	}
	w.grow(len(w.buf) + len(p))
	w.buf = append(w.buf, p...)
}

// set makes the window the end of p.
func (w *window) set(p []byte) {
	p = p[max(0, len(p)-w.max):]
	w.grow(len(p))
	w.buf = append(w.buf[:0], p...)
}

// grow makes room for n bytes, never for more than the window has.
func (w *window) grow(n int) {
	if n > cap(w.buf) {
		w.buf = append(make([]byte, 0, min(w.max, max(n, 2*cap(w.buf)))), w.buf...)
	}
}
