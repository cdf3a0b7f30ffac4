package socketio

import (
	"encoding/json"
	"sync"
	"time"

	"strata/socketio/parser"
)

// messageIDs recognizes events that a client sent twice. A client of package
// client with Options.MessageIDs names itself when it joins, and sends an event
// that it repeats with the same ack id; that, and nothing on the wire besides,
// is the event's name.
type messageIDs struct {
	mu      sync.Mutex
	clients map[string]*sentByClient
}

type sentByClient struct {
	used time.Time
	seen map[uint64]*sentOnce
	last []uint64 // of seen, the oldest first
}

// sentOnce is an event that was handled, or is.
type sentOnce struct {
	answered bool
	args     []any
	socket   *Socket // of the latest copy: it gets the answer
}

// What is remembered: the client has one such event under way at a time.
const (
	maxMessageIDs     = 64
	maxMessageClients = 65536
	messageIDsAge     = 10 * time.Minute
)

// clientIDOf is what a client calls itself in its auth payload; "": nothing.
func clientIDOf(auth []byte) string {
	var own struct {
		ID string `json:"_mid"`
	}
	if len(auth) == 0 || json.Unmarshal(auth, &own) != nil || len(own.ID) > 64 {
		return ""
	}
	return own.ID
}

// first reports whether an event is here for the first time. Where it is not,
// its answer is sent again, or will be.
func (m *messageIDs) first(s *Socket, p *parser.Packet) (once *sentOnce, first bool) {
	m.mu.Lock()
	if m.clients == nil {
		m.clients = map[string]*sentByClient{}
	}
	c := m.clients[s.clientID]
	now := time.Now()
	if c == nil {
		if len(m.clients) >= maxMessageClients {
			for id, other := range m.clients {
				if now.Sub(other.used) > messageIDsAge || len(m.clients) >= maxMessageClients {
					delete(m.clients, id)
				}
			}
		}
		c = &sentByClient{seen: map[uint64]*sentOnce{}}
		m.clients[s.clientID] = c
	}
	c.used = now
	if once = c.seen[p.ID]; once != nil {
		once.socket = s
		answered, args := once.answered, once.args
		m.mu.Unlock()
		s.conn.server.counters.duplicates.Add(1)
		if answered {
			s.ack(p.ID, args)
		}
		return once, false
	}
	once = &sentOnce{socket: s}
	c.seen[p.ID] = once
	if c.last = append(c.last, p.ID); len(c.last) > maxMessageIDs {
		delete(c.seen, c.last[0])
		c.last = c.last[1:]
	}
	m.mu.Unlock()
	return once, true
}

// answer keeps the answer to an event, and sends it to the client as it is
// connected now.
func (m *messageIDs) answer(once *sentOnce, id uint64, args []any) {
	m.mu.Lock()
	once.answered, once.args = true, args
	s := once.socket
	m.mu.Unlock()
	s.ack(id, args)
}
