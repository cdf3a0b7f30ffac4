package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// Broadcast is who an event is for: the sockets of a namespace that are in any
// of some rooms (all of them, where none are named) and in none of others; and
// how it is sent. It is a value: To, Except and the others give a new one.
type Broadcast struct {
	namespace *Namespace
	parent    *ParentNamespace // the broadcast is for its children; then namespace is nil
	target    Target
	timeout   time.Duration
}

// To adds rooms whose sockets get the event. A socket's id is a room of its own.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.target.Rooms = slices.Concat(b.target.Rooms, rooms)
	return b
}

// Except adds rooms whose sockets do not get the event.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.target.Except = slices.Concat(b.target.Except, rooms)
	return b
}

// Local leaves other servers of the cluster out.
func (b Broadcast) Local() Broadcast {
	b.target.Local = true
	return b
}

// Volatile sends the event only to those who can take it at once: who has
// something waiting to be sent misses it.
func (b Broadcast) Volatile() Broadcast {
	b.target.Volatile = true
	return b
}

// Compress says whether the event is worth compressing; it is, unless said
// otherwise.
func (b Broadcast) Compress(compress bool) Broadcast {
	b.target.NoCompress = !compress
	return b
}

// Timeout bounds how long EmitWithAck waits for answers.
func (b Broadcast) Timeout(d time.Duration) Broadcast {
	b.timeout = d
	return b
}

// Emit sends the event to whoever is there now. It is encoded once, and waits
// for nobody. Errors are those of the arguments, see [Socket.Emit], and the
// adapter's; that a socket leaves meanwhile is none.
func (b Broadcast) Emit(event string, args ...any) error {
	var p parser.Packet
	if err := dispatch.SetEvent(&p, event, args); err != nil {
		return err
	}
	if b.parent == nil {
		return b.emit(b.namespace, p)
	}
	var errs []error
	for _, n := range b.parent.Children() {
		errs = append(errs, b.emit(n, p))
	}
	return errors.Join(errs...)
}

func (b Broadcast) emit(n *Namespace, p parser.Packet) error {
	p.Namespace = n.name
	return n.adapter.Broadcast(&p, b.target)
}

// Send is Emit of the event "message".
func (b Broadcast) Send(args ...any) error { return b.Emit("message", args...) }

var errParent = errors.New("socket.io: not for a parent namespace: ask its children")

// EmitWithAck sends the event and waits until everybody has answered, or is
// gone, or ctx or the Timeout ends. The answers are in no order. Where some are
// missing the error is a [*MissingAcksError], and what came is returned
// nevertheless.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	if b.parent != nil {
		return nil, errParent
	}
	if b.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, b.timeout, ErrAckTimeout)
		defer cancel()
	}
	p := parser.Packet{Namespace: b.namespace.name, ID: b.namespace.ackIDs.Add(1) - 1, HasID: true}
	if err := dispatch.SetEvent(&p, event, args); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var answers []Args
	missing, err := b.namespace.adapter.BroadcastWithAck(ctx, &p, b.target, func(a Args) {
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, a)
	})
	mu.Lock()
	defer mu.Unlock()
	got := slices.Clip(answers)
	if missing > 0 || err != nil {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = ErrDisconnected
		}
		return got, &MissingAcksError{Event: event, Missing: missing, Err: err}
	}
	return got, nil
}

// ErrAckTimeout is why an ack is no longer waited for: the Timeout is over.
var ErrAckTimeout = errors.New("operation has timed out")

// MissingAcksError says that some of those whom a broadcast reached did not
// answer.
type MissingAcksError struct {
	Event   string
	Missing int   // at least
	Err     error // why: ErrAckTimeout, the context's, or ErrDisconnected
}

// Error is like `socket.io: ack of "ping": 2 answers are missing: operation has timed out`.
func (e *MissingAcksError) Error() string {
	return fmt.Sprintf("socket.io: ack of %q: %d answers are missing: %v", e.Event, e.Missing, e.Err)
}

// Unwrap is the reason.
func (e *MissingAcksError) Unwrap() error { return e.Err }

// FetchSockets is the sockets that an event would reach, also those of other
// servers.
func (b Broadcast) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	if b.parent != nil {
		return nil, errParent
	}
	return b.namespace.adapter.Fetch(ctx, b.target)
}

// SocketsJoin puts the sockets that an event would reach into rooms.
func (b Broadcast) SocketsJoin(rooms ...string) error {
	return b.each(func(n *Namespace) error { return n.adapter.JoinAll(b.target, rooms...) })
}

// SocketsLeave takes the sockets that an event would reach out of rooms.
func (b Broadcast) SocketsLeave(rooms ...string) error {
	return b.each(func(n *Namespace) error { return n.adapter.LeaveAll(b.target, rooms...) })
}

// DisconnectSockets ends the sockets that an event would reach, see
// [Socket.Disconnect].
func (b Broadcast) DisconnectSockets(closeConnection bool) error {
	return b.each(func(n *Namespace) error { return n.adapter.DisconnectAll(b.target, closeConnection) })
}

func (b Broadcast) each(f func(*Namespace) error) error {
	if b.parent == nil {
		return f(b.namespace)
	}
	var errs []error
	for _, n := range b.parent.Children() {
		errs = append(errs, f(n))
	}
	return errors.Join(errs...)
}

// EmitError is an event that could not be encoded: JSON cannot say one of its
// arguments, or its name is reserved.
type EmitError = dispatch.EmitError
