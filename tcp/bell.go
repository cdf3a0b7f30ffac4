package tcp

import "sync/atomic"

// bell wakes a goroutine that waits for something to change. It costs nothing
// until somebody waits. The zero value works.
type bell struct {
	token atomic.Pointer[chan struct{}] // what holds a token when one should look again
}

// wait returns when it has rung since the last wait did, and may return early. One
// goroutine waits at a time.
func (b *bell) wait() {
	if c := b.token.Load(); c != nil {
		<-*c
		return
	}
	c := make(chan struct{}, 1)
	b.token.Store(&c) // nobody rang it so far: look again
}

func (b *bell) ring() {
	if c := b.token.Load(); c != nil {
		leave(*c)
	}
}

func leave(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default: // one is there already, and it is enough
	}
}
