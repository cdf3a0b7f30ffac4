package ws

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
)

// Ping sends a ping and waits for its pong (RFC 6455 §5.5.2). Pongs are seen
// while somebody reads: another goroutine must be in Read.
func (c *Conn) Ping(ctx context.Context) error {
	pings := c.openPings()
	p := pings.add()
	defer pings.remove(p)
	if err := c.writeControl(ctx, opPing, binary.BigEndian.AppendUint64(nil, p.number)); err != nil {
		return fmt.Errorf("ws: ping: %w", err)
	}
	select {
	case <-p.pong:
		return nil
	default:
	}
	select {
	case <-p.pong:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ws: ping: no pong: %w", ctx.Err())
	case <-c.whenEnded():
		return fmt.Errorf("ws: ping: %w", alreadyClosed(c.ended()))
	}
}

// openPings makes the list of pings when the first one is sent.
func (c *Conn) openPings() *pingList {
	if l := c.pings.Load(); l != nil {
		return l
	}
	c.pings.CompareAndSwap(nil, new(pingList))
	return c.pings.Load()
}

// pingList has the pings that wait for their pong: as many as there are callers
// of Ping.
type pingList struct {
	mu   sync.Mutex
	last uint64
	open []*ping
}

type ping struct {
	number uint64 // its payload
	pong   chan struct{}
}

func (l *pingList) add() *ping {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	p := &ping{number: l.last, pong: make(chan struct{})}
	l.open = append(l.open, p)
	return p
}

func (l *pingList) remove(p *ping) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range l.open {
		if o == p {
			l.open = append(l.open[:i], l.open[i+1:]...)
			return
		}
	}
}

// answered is told of a pong. It may answer several pings: a peer may answer
// only the latest (RFC 6455 §5.5.3).
func (l *pingList) answered(payload []byte) {
	if l == nil || len(payload) != 8 {
		return // unsolicited, which is allowed and means nothing
	}
	number := binary.BigEndian.Uint64(payload)
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.open[:0]
	for _, p := range l.open {
		if p.number <= number && number <= l.last {
			close(p.pong)
		} else {
			waiting = append(waiting, p)
		}
	}
	clear(l.open[len(waiting):])
	l.open = waiting
}
