package link

import (
	"container/list"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// stationTable is what a switch has learned: behind which port each station was
// heard last. The stations are in the order in which they were heard, so that
// those to forget come first.
type stationTable struct {
	max    int
	ageing time.Duration

	byAddress map[tcpip.LinkAddress]*list.Element
	byAge     *list.List // of *station, the one heard last at the back
}

type station struct {
	address tcpip.LinkAddress
	port    *Port
	heard   time.Time
}

func newStationTable(max int, ageing time.Duration) *stationTable {
	return &stationTable{max: max, ageing: ageing, byAddress: map[tcpip.LinkAddress]*list.Element{}, byAge: list.New()}
}

// learn notes that a station was heard behind a port. False: there is no room
// for one more.
func (t *stationTable) learn(a tcpip.LinkAddress, p *Port, now time.Time) bool {
	if e := t.byAddress[a]; e != nil {
		s := e.Value.(*station)
		s.port, s.heard = p, now
		t.byAge.MoveToBack(e)
		return true
	}
	t.expire(now)
	if len(t.byAddress) >= t.max {
		return false
	}
	t.byAddress[a] = t.byAge.PushBack(&station{a, p, now})
	return true
}

// port is where a station is; nil where that is not known.
func (t *stationTable) port(a tcpip.LinkAddress, now time.Time) *Port {
	t.expire(now)
	if e := t.byAddress[a]; e != nil {
		return e.Value.(*station).port
	}
	return nil
}

// expire forgets who was not heard for the ageing time.
func (t *stationTable) expire(now time.Time) {
	for e := t.byAge.Front(); e != nil; e = t.byAge.Front() {
		s := e.Value.(*station)
		if now.Sub(s.heard) < t.ageing {
			return
		}
		t.byAge.Remove(e)
		delete(t.byAddress, s.address)
	}
}

// forget forgets who is behind a port.
func (t *stationTable) forget(p *Port) {
	for e := t.byAge.Front(); e != nil; {
		next := e.Next()
		if s := e.Value.(*station); s.port == p {
			t.byAge.Remove(e)
			delete(t.byAddress, s.address)
		}
		e = next
	}
}
