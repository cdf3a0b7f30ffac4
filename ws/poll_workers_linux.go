package ws

import "sync"

// workers are goroutines that serve connections, one at a time each: whoever
// waits in a callback holds up nobody. Some are kept when they have nothing to do,
// because a new goroutine would first have to grow its stack, which takes as long
// as the echo of a small message.
type workers struct {
	mu     sync.Mutex
	idle   []chan *events // one of each; the last one worked last
	closed bool
}

// maxIdleWorkers is how many are kept: a thousand connections that talk at once are
// served by nearly as many goroutines, of which each new one took a sixth of the
// processor time of an echo to grow its stack.
const maxIdleWorkers = 1024

// serve has e served.
func (w *workers) serve(e *events) {
	w.mu.Lock()
	n := len(w.idle)
	if n == 0 {
		w.mu.Unlock()
		go w.work(e)
		return
	}
	next := w.idle[n-1]
	w.idle = w.idle[:n-1]
	w.mu.Unlock()
	next <- e
}

// work serves e, and then those that come.
func (w *workers) work(e *events) {
	var room [2200]byte
	keepStack(&room)
	next := make(chan *events, 1)
	for e != nil {
		e.serve()
		if !w.keep(next) {
			return
		}
		e = <-next
	}
}

// keep reports whether the worker is to wait for more.
func (w *workers) keep(next chan *events) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.idle) == maxIdleWorkers {
		return false
	}
	w.idle = append(w.idle, next)
	return true
}

// close ends those that have nothing to do, and the others when they are done.
func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, next := range w.idle {
		close(next)
	}
	w.idle = nil
}

// keepStack has the garbage collector leave a goroutine the stack that callbacks
// need: it takes half of one away of which less than a quarter is used, and room is.
//
//go:noinline
func keepStack(room *[2200]byte) { room[0] = 1 }
