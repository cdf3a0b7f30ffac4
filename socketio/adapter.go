package socketio

import (
	"context"
	"encoding/json"
	"time"

	"strata/socketio/parser"
)

// Adapter keeps who is in which room of one namespace, and delivers what is said
// to rooms. The one in memory, [MemoryAdapter], is for one server; one for a
// cluster embeds it, overrides what other servers have to hear of, and hands to
// the embedded one what it hears from them.
//
// Methods named Local are about this server's sockets only.
type Adapter interface {
	// Close ends the adapter: the namespace is gone.
	Close() error

	// ServerCount is how many servers have this namespace, this one among
	// them.
	ServerCount(ctx context.Context) (int, error)

	// Add has a socket in the namespace: its client hears after that that
	// it has joined. Remove takes it out, and out of all rooms.
	Add(s *Socket)
	Remove(s *Socket)

	// Join and Leave are for a socket of this server. A socket that was
	// removed joins nothing.
	Join(s *Socket, rooms ...string)
	Leave(s *Socket, rooms ...string)

	// Rooms are the rooms of a socket of this server: its own first.
	Rooms(s *Socket) []string

	// Local are the sockets of this server that a broadcast reaches.
	Local(to Target) []*Socket

	// Socket is the socket of this server that has that id, nil: none.
	Socket(id string) *Socket

	// Broadcast sends an event to whom it is for.
	Broadcast(p *parser.Packet, to Target) error

	// BroadcastWithAck is Broadcast of an event that asks for an ack. It
	// calls answered for every answer, from any goroutine, and returns when
	// all have answered or are gone, or ctx ends; missing is how many did
	// not answer.
	BroadcastWithAck(ctx context.Context, p *parser.Packet, to Target, answered func(Args)) (missing int, err error)

	// Fetch is the sockets, also of other servers, that a broadcast reaches.
	Fetch(ctx context.Context, to Target) ([]RemoteSocket, error)

	// JoinAll, LeaveAll and DisconnectAll are for the sockets, also of
	// other servers, that a broadcast reaches.
	JoinAll(to Target, rooms ...string) error
	LeaveAll(to Target, rooms ...string) error
	DisconnectAll(to Target, closeConnection bool) error

	// ServerSideEmit has an event handled by the other servers. With
	// wantAcks it returns one answer of each; the error says how many are
	// missing where ctx ended before all came.
	ServerSideEmit(ctx context.Context, p *parser.Packet, wantAcks bool) ([]Args, error)

	// Persist keeps the session of a socket that lost its connection;
	// Restore hands it out, once, with what was missed after offset, and
	// has the socket that welcome makes of it added. It reports false where
	// the session is unknown, or cannot be continued without a gap. Adapters
	// without recovery do nothing, and report false.
	Persist(Session)
	Restore(pid, offset string, welcome func(Session) (s *Socket, ok bool)) bool
}

// Target is whom a broadcast is for, and how it is sent.
type Target struct {
	Rooms      []string // in any of them; empty: everybody
	Except     []string // in none of them
	Local      bool     // the sockets of this server only
	Volatile   bool     // only to those who can take it now
	NoCompress bool     // it is not worth compressing
}

// Session is what is kept of a socket that lost its connection, for the client to
// come back to.
type Session struct {
	ID    string // of the socket
	PID   string // a secret: whoever knows it may continue the session
	Rooms []string
	Data  any

	over <-chan struct{} // closed when the socket's last handler has returned; nil: who knows
	from uint64          // in the adapter's log: what was sent since belongs to it; before Persist as Socket.logged
	at   time.Time
}

// RemoteSocket is a socket, perhaps of another server, as others see it.
type RemoteSocket struct {
	ID        string
	Rooms     []string
	Handshake *Handshake // to be read only
	Data      any        // of a socket of another server, what JSON makes of it

	namespace *Namespace
}

// Emit sends the socket an event.
func (r RemoteSocket) Emit(event string, args ...any) error {
	return r.namespace.To(r.ID).Emit(event, args...)
}

// EmitWithAck sends the socket an event and waits for its answer.
func (r RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	answers, err := r.namespace.To(r.ID).EmitWithAck(ctx, event, args...)
	if err != nil {
		return Args{}, err
	}
	if len(answers) != 1 {
		return Args{}, ErrDisconnected
	}
	return answers[0], nil
}

// Join puts the socket into rooms.
func (r RemoteSocket) Join(rooms ...string) error { return r.namespace.To(r.ID).SocketsJoin(rooms...) }

// Leave takes the socket out of rooms.
func (r RemoteSocket) Leave(rooms ...string) error {
	return r.namespace.To(r.ID).SocketsLeave(rooms...)
}

// Disconnect ends the socket, see [Socket.Disconnect].
func (r RemoteSocket) Disconnect(closeConnection bool) error {
	return r.namespace.To(r.ID).DisconnectSockets(closeConnection)
}

// MarshalJSON is the form in which servers tell each other of sockets.
func (r RemoteSocket) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID        string     `json:"id"`
		Handshake *Handshake `json:"handshake"`
		Rooms     []string   `json:"rooms"`
		Data      any        `json:"data"`
	}{r.ID, r.Handshake, r.Rooms, r.Data})
}

// RoomEvents are told what happens to the rooms of a namespace. They are called
// while the adapter is locked: they must be quick, and must not call it. Every
// socket has a room named by its id, of which they are told too.
type RoomEvents struct {
	Created func(room string)
	Deleted func(room string)
	Joined  func(room, id string)
	Left    func(room, id string)
}
