package ws

// Later is for callbacks: it has f called on the callback's goroutine when all
// that had come is handled and somebody else would handle what comes next. So f may
// take as long as it likes, and costs neither a goroutine nor a switch to one. f may
// run beside callbacks. It is called by a goroutine of its own where the peer sends
// on before that, or a callback [Conn.Waits].
//
// Later reports false, and f is not called, where there is no event mode, or its
// goroutine serves this connection only: see [Conn.Handle].
func (c *Conn) Later(f func()) bool {
	if !c.events.nonBlocking() {
		return false
	}
	c.events.later = append(c.events.later, f)
	return true
}

// Waits is for a callback that is about to wait for somebody else: what is held
// leaves, nothing is held until it returns, and what [Conn.Later] was given begins.
func (c *Conn) Waits() {
	if c.events == nil {
		return
	}
	c.events.hurry()
	c.startWait()
}

// hurry has what Later was given begin on goroutines of its own.
func (e *events) hurry() {
	for _, f := range e.later {
		go f()
	}
	e.later = nil
}

// callAll calls all of them, also where one leaves its goroutine.
func callAll(later []func()) {
	if len(later) > 0 {
		defer callAll(later[1:])
		later[0]()
	}
}
