package ws

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// KeepAlive has the connection ping a peer that is silent, and end where no sign
// of life comes back. Pongs, and all else, are seen while somebody reads.
type KeepAlive struct {
	// Interval is how long the peer may be silent before it is pinged: at
	// least this, and less than twice as long, because what comes is not
	// timed. 0: it is never.
	Interval time.Duration

	// Timeout is how long it may then be silent still. 0: 10 s.
	Timeout time.Duration
}

const defaultPongTimeout = 10 * time.Second

// keepAlive is one connection's. A nil one does nothing.
type keepAlive struct {
	c      *Conn
	conf   KeepAlive
	seen   atomic.Bool // something came since the timer was set
	mu     sync.Mutex
	timer  *time.Timer // nil: stopped
	pinged bool
}

func (c *Conn) startKeepAlive(conf KeepAlive) {
	if conf.Interval <= 0 {
		return
	}
	if conf.Timeout <= 0 {
		conf.Timeout = defaultPongTimeout
	}
	c.keepAlive = &keepAlive{c: c, conf: conf}
	c.keepAlive.mu.Lock()
	defer c.keepAlive.mu.Unlock()
	c.keepAlive.timer = time.AfterFunc(conf.Interval, c.keepAlive.check)
}

// heard says that something came from the peer.
func (k *keepAlive) heard() {
	if k != nil && !k.seen.Load() {
		k.seen.Store(true)
	}
}

func (k *keepAlive) stop() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.timer != nil {
		k.timer.Stop()
		k.timer = nil
	}
}

// check is called when the peer may have been silent for long enough.
func (k *keepAlive) check() {
	switch ping, dead := k.next(); {
	case dead:
		k.c.end(fmt.Errorf("the peer was silent for %v, and for %v after a ping: %w", k.conf.Interval, k.conf.Timeout, os.ErrDeadlineExceeded))
	case ping:
		// Where this fails the connection has ended, or nothing comes back.
		_ = k.c.writeControl(context.Background(), opPing, nil)
	}
}

func (k *keepAlive) next() (ping, dead bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.timer == nil:
		return false, false
	case k.seen.Swap(false):
		k.pinged = false
		k.timer.Reset(k.conf.Interval)
		return false, false
	case k.pinged:
		return false, true
	}
	k.pinged = true
	k.timer.Reset(k.conf.Timeout)
	return true, false
}
