package ws

// Later is for callbacks of a [Handler]: it has f called on the callback's goroutine
// when all that had come is handled and somebody else would handle what comes next.
// So f may take as long as it likes, and costs neither a goroutine nor a switch to
// one. f may run beside callbacks. It is called by a goroutine of its own where the
// peer sends on before that, or a callback [Conn.Waits].
//
// Later reports false, and f is not called, where there is no event mode, or its
// goroutine serves this connection only: see [Conn.Handle].
//
// No lock guards Later and Waits. Only a callback may call them, or a goroutine that
// it waits for, one at a time: elsewhere, and so in f, nothing keeps the call from
// running beside a callback of the connection, or beside what calls them.
func (c *Conn) Later(f func()) bool {
	if !c.events.nonBlocking() {
		return false
	}
	c.events.later = append(c.events.later, f)
	return true
}

// Waits is for a callback that is about to wait for somebody else: what is held
// leaves, nothing is held until it returns, and what [Conn.Later] was given begins.
// Who else may call it, and when, is as with Later.
func (c *Conn) Waits() {
	if c.events == nil {
		return
	}
	c.events.hurry()
	c.startWait()
}

// hurry has what Later was given begin on goroutines of its own. A nil e has nothing.
func (e *events) hurry() {
	if e == nil {
		return
	}
	for _, f := range e.later {
		go f()
	}
	e.later = nil
}

// hurryPastHeld is hurry where something is held: to send it may have to wait for the
// peer.
func (e *events) hurryPastHeld() {
	c := e.c
	if len(e.later) == 0 || !c.frames.tryLock() {
		return // nobody waits for who has the gate
	}
	held := c.held.n > 0
	c.leaveFrames()
	if held {
		e.hurry()
	}
}

// callAll calls one of them, and has the others called by goroutines of their own:
// each may take as long as it likes.
func callAll(later []func()) {
	if len(later) == 0 {
		return
	}
	for _, f := range later[1:] {
		go f()
	}
	later[0]()
}
