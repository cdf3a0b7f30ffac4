package engineio

import "strata/ws"

// Turn is what a handler of messages may do with the goroutine that brought one.
// The zero value can nothing.
type Turn struct{ conn *ws.Conn }

// Later has f called on that goroutine when all that came with the message was
// handed over; messages that come then come by another one, so that f may take as
// long as it likes. It reports false where that cannot be had: then the caller
// makes a goroutine. Only Handler.Message may call it.
func (t Turn) Later(f func()) bool { return t.conn != nil && t.conn.Later(f) }

// Waits is for a Handler.Message that is about to wait: what Later was given
// begins now, and what was sent is held back no longer.
func (t Turn) Waits() {
	if t.conn != nil {
		t.conn.Waits()
	}
}
