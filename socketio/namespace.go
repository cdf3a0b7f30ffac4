package socketio

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// Namespace is a part of the server that clients join separately, over the same
// connection (https://socket.io/docs/v4/namespaces/).
type Namespace struct {
	server     *Server
	name       string
	parent     *ParentNamespace // nil: it was made by name
	adapter    Adapter
	roomEvents roomEvents
	ackIDs     atomic.Uint64 // the next one
	servers    dispatch.Table
	messageIDs messageIDs
	told       chan struct{} // closed when OnNewNamespace's functions have returned: nobody joins before
	users      int           // clients that join, or are there; guarded by server.mu

	mu          sync.RWMutex
	connections []func(*Socket)
	middlewares []func(*Socket) error
}

func newNamespace(s *Server, name string) *Namespace {
	n := &Namespace{server: s, name: name, told: make(chan struct{})}
	if s.opts.Adapter != nil {
		n.adapter = s.opts.Adapter(n)
	} else {
		n.adapter = NewMemoryAdapter(n)
	}
	return n
}

// Name is the name, with the "/" in front.
func (n *Namespace) Name() string { return n.name }

// Server is the server whose namespace it is.
func (n *Namespace) Server() *Server { return n.server }

// Adapter is what keeps the namespace's rooms.
func (n *Namespace) Adapter() Adapter { return n.adapter }

// OnConnection has fn called for each client that joins from now on, before any
// of its events is handled: what it sends meanwhile waits.
func (n *Namespace) OnConnection(fn func(*Socket)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.connections = append(n.connections[:len(n.connections):len(n.connections)], fn)
}

func (n *Namespace) connectionHandlers() []func(*Socket) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.connections
}

// Use has fn asked about each client that wants to join, after those that were
// there before. An error refuses it: the client is told the error's text, and
// the Data of a [*ConnectError]. fn may take its time; only that client waits.
func (n *Namespace) Use(fn func(*Socket) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.middlewares = append(n.middlewares[:len(n.middlewares):len(n.middlewares)], fn)
}

func (n *Namespace) middlewareList() []func(*Socket) error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.middlewares
}

// OnRooms has events told what happens to the namespace's rooms.
func (n *Namespace) OnRooms(events RoomEvents) {
	n.roomEvents.mu.Lock()
	defer n.roomEvents.mu.Unlock()
	n.roomEvents.list = append(slices.Clone(n.roomEvents.list), events)
}

// Sockets are the sockets of this server that are connected, in no order.
func (n *Namespace) Sockets() []*Socket { return n.adapter.Local(Target{}) }

// Socket is the socket of this server that has that id, nil: none.
func (n *Namespace) Socket(id string) *Socket { return n.adapter.Socket(id) }

func (n *Namespace) everybody() Broadcast { return Broadcast{namespace: n} }

// Emit sends an event to every socket. Errors are those of the arguments, see
// [Socket.Emit].
func (n *Namespace) Emit(event string, args ...any) error {
	return n.everybody().Emit(event, args...)
}

// Send is Emit of the event "message".
func (n *Namespace) Send(args ...any) error { return n.Emit("message", args...) }

// EmitWithAck sends an event to every socket and waits for the answers, see
// [Broadcast.EmitWithAck].
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return n.everybody().EmitWithAck(ctx, event, args...)
}

// To is a broadcast to the sockets that are in any of the rooms.
func (n *Namespace) To(rooms ...string) Broadcast { return n.everybody().To(rooms...) }

// Except is a broadcast to the sockets that are in none of the rooms.
func (n *Namespace) Except(rooms ...string) Broadcast { return n.everybody().Except(rooms...) }

// Local is a broadcast to the sockets of this server.
func (n *Namespace) Local() Broadcast { return n.everybody().Local() }

// Volatile is a broadcast to the sockets that can take it at once.
func (n *Namespace) Volatile() Broadcast { return n.everybody().Volatile() }

// Compress is a broadcast that is, or is not, worth compressing.
func (n *Namespace) Compress(compress bool) Broadcast { return n.everybody().Compress(compress) }

// Timeout is a broadcast whose answers are waited for that long.
func (n *Namespace) Timeout(d time.Duration) Broadcast { return n.everybody().Timeout(d) }

// FetchSockets is the sockets, also those of other servers.
func (n *Namespace) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return n.everybody().FetchSockets(ctx)
}

// SocketsJoin puts all sockets into rooms.
func (n *Namespace) SocketsJoin(rooms ...string) error { return n.everybody().SocketsJoin(rooms...) }

// SocketsLeave takes all sockets out of rooms.
func (n *Namespace) SocketsLeave(rooms ...string) error { return n.everybody().SocketsLeave(rooms...) }

// DisconnectSockets ends all sockets, see [Socket.Disconnect].
func (n *Namespace) DisconnectSockets(closeConnection bool) error {
	return n.everybody().DisconnectSockets(closeConnection)
}

// On has fn called for events that other servers of the cluster send with
// [Namespace.ServerSideEmit]. fn is as for [Socket.On].
func (n *Namespace) On(event string, fn any) (off func()) {
	off, err := n.servers.On(event, fn, false)
	if err != nil {
		panic("socketio: On: " + err.Error())
	}
	return off
}

// ServerSideEmit sends an event to the other servers of the cluster, whose
// Namespace.On handles it. With the adapter in memory there are none.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	p := parser.Packet{Namespace: n.name}
	if err := n.serverSideEvent(&p, event, args); err != nil {
		return err
	}
	_, err := n.adapter.ServerSideEmit(context.Background(), &p, false)
	return err
}

// ServerSideEmitWithAck is ServerSideEmit that waits for an answer of each
// server. Where ctx ends before, the error says so and what came is returned.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	var p parser.Packet
	if err := n.serverSideEvent(&p, event, args); err != nil {
		return nil, err
	}
	return n.adapter.ServerSideEmit(ctx, &p, true)
}

func (n *Namespace) serverSideEvent(p *parser.Packet, event string, args []any) error {
	p.Namespace = n.name
	if event == "connection" || event == "new_namespace" {
		return &EmitError{Event: event, Err: errReservedServerSide}
	}
	return dispatch.SetEvent(p, event, args)
}

// HandleServerSide is for adapters: it has an event of another server handled.
// answer, where it is not nil, is called with the answer.
func (n *Namespace) HandleServerSide(p *parser.Packet, answer func(args ...any)) error {
	return n.servers.Dispatch(context.Background, p, dispatch.AnswerFunc(answer))
}
