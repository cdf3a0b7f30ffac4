package inspect

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"strata/link"
	"strata/tcp"
)

// state is GET /api/state.
type state struct {
	Title   string    `json:"title"`
	Now     time.Time `json:"now"`
	LeftOut uint64    `json:"leftOut"` // events that were more than could be kept
	Presets []string  `json:"presets"`
	Hosts   []host    `json:"hosts"`
	Wires   []wire    `json:"wires"`
}

type host struct {
	Name        string       `json:"name"`
	Addrs       []netip.Addr `json:"addrs"`
	Established uint64       `json:"established"` // connections
	Sent        uint64       `json:"segmentsSent"`
	Received    uint64       `json:"segmentsReceived"`
	Again       uint64       `json:"retransmissions"`
}

type wire struct {
	ID    string      `json:"id"`
	A     string      `json:"a"`
	B     string      `json:"b"`
	Drops int         `json:"synAcksToDrop"`
	Ways  []direction `json:"directions"`
}

type direction struct {
	ID       string        `json:"id"` // "ab" or "ba"
	From     string        `json:"from"`
	To       string        `json:"to"`
	State    string        `json:"state"` // "up", "down" or "blackhole"
	Shape    shape         `json:"shape"`
	Counters link.Counters `json:"counters"`
	Dropped  uint64        `json:"dropped"` // the sum of the counters' causes
}

type shape struct {
	Text  string      `json:"text"`  // "" is a perfect wire
	Words *link.Shape `json:"words"` // as an object; null where it is made of a file
}

func tellShape(s link.Shape) shape {
	told := shape{Text: s.String(), Words: &s}
	if _, err := s.MarshalText(); err != nil {
		told.Words = nil
	}
	return told
}

func tellWire(s *steered) wire {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := wire{ID: s.Name, A: s.A, B: s.B, Drops: int(s.drops.Load())}
	for _, way := range []*way{s.ab, s.ba} {
		c := way.Counters()
		w.Ways = append(w.Ways, direction{way.id, way.from, way.to, way.state, tellShape(way.Shape()), c, c.Dropped()})
	}
	return w
}

func (s *Server) tellState() state {
	told := state{
		Title: s.config.Title, Now: time.Now(), LeftOut: s.config.Recorder.leftOut.Load(), Presets: link.Presets(),
		Hosts: []host{}, Wires: []wire{},
	}
	for _, h := range s.config.Hosts {
		t := h.Stack().Stats().TCP
		told.Hosts = append(told.Hosts, host{
			h.Name(), h.Addrs(), t.CurrentEstablished.Value(), t.SegmentsSent.Value(), t.ValidSegmentsReceived.Value(), t.Retransmits.Value(),
		})
	}
	for _, w := range s.wires {
		told.Wires = append(told.Wires, tellWire(w))
	}
	return told
}

// connections is GET /api/connections.
type connections struct {
	Now         time.Time    `json:"now"`
	Total       int          `json:"total"`    // those beyond the limit too
	Followed    int          `json:"followed"` // of them all is kept, and their messages are explained
	Connections []connection `json:"connections"`
}

// connection is a row of Netstat.
type connection struct {
	Host   string `json:"host"`
	Local  string `json:"local"`
	Remote string `json:"remote,omitempty"`
	State  string `json:"state"`
	Follow bool   `json:"followed"`

	Cwnd       int           `json:"cwnd"`     // segments
	Ssthresh   int           `json:"ssthresh"` // segments; 0 before the first loss
	RTT        time.Duration `json:"rtt"`
	RTTVar     time.Duration `json:"rttvar"`
	RTO        time.Duration `json:"rto"`
	Congestion string        `json:"congestion"` // "open", "rto-recovery", …

	BytesSent     uint64 `json:"bytesSent"`
	BytesReceived uint64 `json:"bytesReceived"`
	Again         uint64 `json:"retransmissions"`
	Timeouts      uint64 `json:"timeouts"`
	Line          string `json:"line"` // as ss -ti prints it
}

// tellConnections puts those first that are followed, and of these, and of the
// others, those that have sent or received most.
func (s *Server) tellConnections(limit int) connections {
	type row struct {
		host   string
		follow bool
		tcp.Info
	}
	var rows []row
	for _, h := range s.config.Hosts {
		for _, i := range tcp.Netstat(h) {
			if i.State != "LISTEN" && i.Flow.Remote.Port() != 0 {
				rows = append(rows, row{h.Name(), false, i})
			}
		}
	}
	told := connections{Now: time.Now(), Total: len(rows), Connections: []connection{}}
	for i := range rows {
		if rows[i].follow = s.config.Recorder.follows(rows[i].Flow); rows[i].follow {
			told.Followed++
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if a.follow != b.follow {
			if a.follow {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.BytesSent+b.BytesReceived, a.BytesSent+a.BytesReceived)
	})
	for _, r := range rows[:min(limit, len(rows))] {
		c := connection{
			Host: r.host, Local: r.Flow.Local.String(), Remote: r.Flow.Remote.String(), State: r.State, Follow: r.follow,
			Cwnd: r.Cwnd, Ssthresh: r.Ssthresh, RTT: r.RTT, RTTVar: r.RTTVar, RTO: r.RTO, Congestion: r.CongestionState,
			BytesSent: r.BytesSent, BytesReceived: r.BytesReceived, Again: r.Retransmits, Timeouts: r.Timeouts, Line: r.Info.String(),
		}
		if c.Ssthresh >= 1<<30 {
			c.Ssthresh = 0
		}
		told.Connections = append(told.Connections, c)
	}
	return told
}
