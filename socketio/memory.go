package socketio

import (
	"context"
	"sync"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// MemoryAdapter is the [Adapter] for a single server. Adapters for clusters embed
// it.
type MemoryAdapter struct {
	namespace *Namespace
	rooms     rooms
	log       *packetLog // nil: no recovery
}

var _ Adapter = (*MemoryAdapter)(nil)

// NewMemoryAdapter makes the adapter of a namespace. It is what a server uses
// where Options.Adapter is nil.
func NewMemoryAdapter(n *Namespace) *MemoryAdapter {
	a := &MemoryAdapter{namespace: n, rooms: newRooms(&n.roomEvents)}
	if r := n.server.opts.Recovery; r != nil {
		a.log = newPacketLog(r, n.server.opts.Rand)
	}
	return a
}

// Close forgets the sessions that could have been continued.
func (a *MemoryAdapter) Close() error {
	if a.log != nil {
		a.log.close()
	}
	return nil
}

// ServerCount is 1.
func (a *MemoryAdapter) ServerCount(context.Context) (int, error) { return 1, nil }

// Add has a socket in the namespace, and in the rooms that a middleware had it
// join.
func (a *MemoryAdapter) Add(s *Socket) {
	if a.log == nil {
		a.rooms.add(s, s.earlyRooms(false))
		return
	}
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	s.logged.Store(a.log.next + 1)
	if a.rooms.add(s, s.earlyRooms(false)) && s.pid != "" {
		a.log.live[s.pid] = s
	}
}

// Remove takes a socket out of the namespace.
func (a *MemoryAdapter) Remove(s *Socket) {
	if a.log != nil {
		a.log.mu.Lock()
		if a.log.live[s.pid] == s {
			delete(a.log.live, s.pid)
		}
		a.log.mu.Unlock()
	}
	a.rooms.remove(s)
}

// Join puts a socket into rooms.
func (a *MemoryAdapter) Join(s *Socket, rooms ...string) { a.rooms.join(s, rooms) }

// Leave takes a socket out of rooms.
func (a *MemoryAdapter) Leave(s *Socket, rooms ...string) { a.rooms.leave(s, rooms) }

// Rooms are the rooms of a socket.
func (a *MemoryAdapter) Rooms(s *Socket) []string { return a.rooms.of(s) }

// Local are the sockets that a broadcast reaches.
func (a *MemoryAdapter) Local(to Target) []*Socket {
	return a.rooms.selected(nil, to.Rooms, to.Except)
}

// Socket is the socket of that id.
func (a *MemoryAdapter) Socket(id string) *Socket { return a.rooms.get(id) }

// selections keeps the memory of broadcasts for the next ones.
var selections = sync.Pool{New: func() any { return new([]*Socket) }}

// Broadcast encodes the event once and hands it to every socket.
func (a *MemoryAdapter) Broadcast(p *parser.Packet, to Target) error {
	keep := selections.Get().(*[]*Socket)
	selected := a.send(&p, to, (*keep)[:0])
	for _, s := range selected { // without a lock: listeners may emit
		s.anyOut.Call(p)
	}
	clear(selected)
	*keep = selected[:0]
	selections.Put(keep)
	return nil
}

// send hands an event to the sockets it is for, and appends them to selected.
func (a *MemoryAdapter) send(p **parser.Packet, to Target, selected []*Socket) []*Socket {
	if a.log != nil && !to.Volatile && !(*p).HasID {
		// What is logged is delivered in the order of the log: only then
		// the last that a client has says what it misses.
		a.log.mu.Lock()
		defer a.log.mu.Unlock()
		*p = a.log.append(*p, to)
	}
	messages := a.namespace.encode(*p, to)
	selected = a.rooms.selected(selected, to.Rooms, to.Except)
	if len(selected) > 1 {
		for i := range messages {
			messages[i] = messages[i].Shared()
		}
	}
	for _, s := range selected {
		s.deliver(*p, messages, to.Volatile, len(selected))
	}
	return selected
}

// BroadcastWithAck sends the event and waits for the answers.
func (a *MemoryAdapter) BroadcastWithAck(ctx context.Context, p *parser.Packet, to Target, answered func(Args)) (missing int, err error) {
	messages := a.namespace.encode(p, to)
	selected := a.Local(to)
	done := make(chan bool, len(selected)) // whether there was an answer
	for _, s := range selected {
		s.acks.ExpectFunc(p.ID, func(args Args, err error) {
			if err == nil {
				answered(args)
			}
			done <- err == nil
		})
		switch {
		case s.deliver(p, messages, to.Volatile, len(selected)):
			s.anyOut.Call(p)
		case s.acks.Forget(p.ID): // otherwise its end has said so already
			done <- false
		}
	}
	// Whoever has not answered in time is no longer waited for: else every
	// broadcast would leave something behind (socket.io issue 4984).
	defer func() {
		for _, s := range selected {
			s.acks.Forget(p.ID)
		}
	}()
	missing = len(selected)
	for range selected {
		select {
		case ok := <-done:
			if ok {
				missing--
			}
		case <-ctx.Done():
			return missing, ctx.Err()
		}
	}
	return missing, nil
}

// Fetch is the sockets that a broadcast reaches.
func (a *MemoryAdapter) Fetch(_ context.Context, to Target) ([]RemoteSocket, error) {
	local := a.Local(to)
	remote := make([]RemoteSocket, 0, len(local))
	for _, s := range local {
		remote = append(remote, RemoteSocket{ID: s.id, Rooms: a.Rooms(s), Handshake: s.handshake, Data: s.Data(), namespace: a.namespace})
	}
	return remote, nil
}

// JoinAll puts the sockets that a broadcast reaches into rooms.
func (a *MemoryAdapter) JoinAll(to Target, rooms ...string) error {
	for _, s := range a.Local(to) {
		s.Join(rooms...)
	}
	return nil
}

// LeaveAll takes the sockets that a broadcast reaches out of rooms.
func (a *MemoryAdapter) LeaveAll(to Target, rooms ...string) error {
	for _, s := range a.Local(to) {
		s.namespace.adapter.Leave(s, rooms...)
	}
	return nil
}

// DisconnectAll ends the sockets that a broadcast reaches.
func (a *MemoryAdapter) DisconnectAll(to Target, closeConnection bool) error {
	for _, s := range a.Local(to) {
		s.Disconnect(closeConnection)
	}
	return nil
}

// ServerSideEmit reaches nobody: there are no other servers.
func (a *MemoryAdapter) ServerSideEmit(context.Context, *parser.Packet, bool) ([]Args, error) {
	return nil, nil
}

// Persist keeps a session, where the server has Options.Recovery.
func (a *MemoryAdapter) Persist(session Session) {
	if a.log != nil {
		a.log.persist(session)
	}
}

// Restore continues a session, where the server has Options.Recovery.
func (a *MemoryAdapter) Restore(pid, offset string, welcome func(Session) (*Socket, bool)) bool {
	if a.log == nil {
		return false
	}
	a.log.mu.Lock()
	old := a.log.live[pid]
	a.log.mu.Unlock()
	if old != nil {
		// The client is back before we noticed that it was gone.
		old.lost()
	}
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	session, missed, ok := a.log.restore(pid, offset)
	if !ok {
		return false
	}
	s, ok := welcome(session)
	if !ok {
		a.log.sessions[pid] = session // its new connection is gone already
		return false
	}
	if a.rooms.add(s, session.Rooms) {
		s.logged.Store(session.from + 1) // from now on its end keeps the session
		a.log.live[pid] = s
	}
	if recoverable(s.endedFor()) {
		session.over = s.over
		a.log.sessions[pid] = session // it may have ended before that
	}
	for _, e := range missed {
		s.deliver(&e.packet, a.namespace.encode(&e.packet, e.to), false, 1)
	}
	return true
}

// encode makes the messages of a packet, for any number of sockets.
func (n *Namespace) encode(p *parser.Packet, to Target) []engineio.Outgoing {
	messages := dispatch.Encode(n.server.opts.Parser, p)
	if to.NoCompress {
		for i := range messages {
			messages[i] = messages[i].Uncompressed()
		}
	}
	return messages
}
