package socketio

import (
	"sync/atomic"

	"strata/socketio/engineio"
)

// Counters are what a server has seen since it was made. Those of the
// connections are in the embedded struct.
type Counters struct {
	engineio.Counters
	Sockets       int    // that are connected now, in all namespaces
	Joined        uint64 // sockets
	ConnectErrors uint64 // clients that were not let into a namespace
	Events        uint64 // from clients
	Panics        uint64 // of handlers
	Duplicates    uint64 // events that were sent twice, and handled once
	Recovered     uint64 // sockets that continued a session
	NotRecovered  uint64 // sockets that wanted to and could not
}

type counters struct {
	sockets                                                                    atomic.Int64
	joined, connectErrors, events, panics, duplicates, recovered, notRecovered atomic.Uint64
}

// Counters is a snapshot.
func (s *Server) Counters() Counters {
	c := &s.counters
	return Counters{
		Counters: s.engine.Counters(), Sockets: int(c.sockets.Load()), Joined: c.joined.Load(),
		ConnectErrors: c.connectErrors.Load(), Events: c.events.Load(), Panics: c.panics.Load(), Duplicates: c.duplicates.Load(),
		Recovered: c.recovered.Load(), NotRecovered: c.notRecovered.Load(),
	}
}
