//go:build !linux

package ws

// canPoll says that there is no poller on this system: a goroutine waits for each
// connection.
const canPoll = false

type pollEntry struct{}

func (*pollEntry) forget() {}

func (*events) watch() error { panic("ws: no poller on this system") }
