package engineio

import (
	"errors"
	"sync/atomic"
)

// Counters are what a server has seen since it was made.
type Counters struct {
	Sessions        int    // that are open now
	Opened          uint64 // sessions
	Refused         uint64 // requests
	Upgraded        uint64 // sessions that changed to a WebSocket
	PingTimeouts    uint64 // sessions that ended so
	Slow            uint64 // sessions that ended because the client read too slowly
	VolatileDropped uint64 // messages
	PacketsIn       uint64
	PacketsOut      uint64
	BytesIn         uint64 // of packets, without what transports add
	BytesOut        uint64
}

type counters struct {
	opened, refused, upgraded, pingTimeouts, slow, volatileDropped atomic.Uint64
	packetsIn, packetsOut, bytesIn, bytesOut                       atomic.Uint64
}

func (c *counters) ended(reason Reason, err error) {
	switch {
	case reason == PingTimeout:
		c.pingTimeouts.Add(1)
	case errors.Is(err, ErrSlow):
		c.slow.Add(1)
	}
}

// Counters is a snapshot.
func (s *Server) Counters() Counters {
	c := &s.counters
	return Counters{
		Sessions: s.Len(), Opened: c.opened.Load(), Refused: c.refused.Load(), Upgraded: c.upgraded.Load(),
		PingTimeouts: c.pingTimeouts.Load(), Slow: c.slow.Load(), VolatileDropped: c.volatileDropped.Load(),
		PacketsIn: c.packetsIn.Load(), PacketsOut: c.packetsOut.Load(), BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
	}
}
