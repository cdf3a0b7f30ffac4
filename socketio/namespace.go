package socketio

import (
	"sync"
	"sync/atomic"
)

// Namespace is a part of the server that clients join separately, over the same
// connection (https://socket.io/docs/v4/namespaces/).
type Namespace struct {
	server *Server
	name   string
	rooms  rooms
	ackIDs atomic.Uint64 // the next one

	mu          sync.RWMutex
	connections []func(*Socket)
}

func newNamespace(s *Server, name string) *Namespace {
	return &Namespace{server: s, name: name, rooms: newRooms()}
}

// Name is the name, with the "/" in front.
func (n *Namespace) Name() string { return n.name }

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

// Sockets are the sockets that are connected, in no order.
func (n *Namespace) Sockets() []*Socket { return n.rooms.all() }

// Emit sends an event to every socket. Errors are those of the arguments, see
// [Socket.Emit].
func (n *Namespace) Emit(event string, args ...any) error {
	return Broadcast{namespace: n}.Emit(event, args...)
}

// To is a broadcast to the sockets that are in any of the rooms.
func (n *Namespace) To(rooms ...string) Broadcast { return Broadcast{namespace: n}.To(rooms...) }

// Except is a broadcast to the sockets that are in none of the rooms.
func (n *Namespace) Except(rooms ...string) Broadcast {
	return Broadcast{namespace: n}.Except(rooms...)
}
