package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

var errReservedServerSide = errors.New("the name is reserved for the server itself")

// DefaultMaxChildren is how many dynamic namespaces a parent has at most, unless
// it is told otherwise.
const DefaultMaxChildren = 10_000

// ParentNamespace makes namespaces when clients ask for them
// (https://socket.io/docs/v4/namespaces/#dynamic-namespaces). They get the
// middlewares and connection handlers that the parent has at that time.
type ParentNamespace struct {
	server      *Server
	match       func(name string, auth json.RawMessage) bool
	pattern     *regexp.Regexp // nil: a function
	mu          sync.Mutex
	max         int
	children    map[string]*Namespace
	connections []func(*Socket)
	middlewares []func(*Socket) error
}

// OfPattern is the parent of the namespaces whose whole name, with the "/", the
// expression matches somewhere; anchor it: `^/dynamic-\d+$`. Of several parents
// the one that was made first has a name.
func (s *Server) OfPattern(pattern *regexp.Regexp) *ParentNamespace {
	p := s.OfFunc(func(name string, _ json.RawMessage) bool { return pattern.MatchString(name) })
	p.pattern = pattern
	return p
}

// OfFunc is the parent of the namespaces that match accepts. auth is what the
// client sent to be let in, nil: nothing. match is called while the client's
// packets wait.
func (s *Server) OfFunc(match func(name string, auth json.RawMessage) bool) *ParentNamespace {
	p := &ParentNamespace{server: s, match: match, max: DefaultMaxChildren, children: map[string]*Namespace{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parents = append(s.parents, p)
	return p
}

// SetMaxChildren bounds how many namespaces clients can have made: who asks for
// one more is told "Invalid namespace".
func (p *ParentNamespace) SetMaxChildren(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.max = n
}

// OnConnection is for the namespaces that are made from now on, see
// [Namespace.OnConnection].
func (p *ParentNamespace) OnConnection(fn func(*Socket)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connections = append(slices.Clone(p.connections), fn)
}

// Use is for the namespaces that are made from now on, see [Namespace.Use].
func (p *ParentNamespace) Use(fn func(*Socket) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.middlewares = append(slices.Clone(p.middlewares), fn)
}

// Children are the namespaces that were made, in no order.
func (p *ParentNamespace) Children() []*Namespace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.children))
}

// adopt makes n a child. It reports false where there are too many.
func (p *ParentNamespace) adopt(n *Namespace, limited bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limited && len(p.children) >= p.max {
		return false
	}
	p.children[n.name] = n
	n.middlewares = slices.Concat(n.middlewares, p.middlewares)
	n.connections = slices.Concat(n.connections, p.connections)
	return true
}

func (p *ParentNamespace) forget(n *Namespace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.children, n.name)
}

func (p *ParentNamespace) everybody() Broadcast { return Broadcast{parent: p} }

// Emit sends an event to every socket of every child.
func (p *ParentNamespace) Emit(event string, args ...any) error {
	return p.everybody().Emit(event, args...)
}

// To is a broadcast to the sockets of the children that are in any of the rooms.
func (p *ParentNamespace) To(rooms ...string) Broadcast { return p.everybody().To(rooms...) }

// Except is a broadcast to the sockets of the children that are in none of the
// rooms.
func (p *ParentNamespace) Except(rooms ...string) Broadcast { return p.everybody().Except(rooms...) }

// Local is a broadcast to the sockets of this server.
func (p *ParentNamespace) Local() Broadcast { return p.everybody().Local() }

// Volatile is a broadcast to the sockets that can take it at once.
func (p *ParentNamespace) Volatile() Broadcast { return p.everybody().Volatile() }

// Compress is a broadcast that is, or is not, worth compressing.
func (p *ParentNamespace) Compress(compress bool) Broadcast { return p.everybody().Compress(compress) }

// Send is Emit of the event "message".
func (p *ParentNamespace) Send(args ...any) error { return p.Emit("message", args...) }

// Timeout is as for [Namespace.Timeout].
func (p *ParentNamespace) Timeout(d time.Duration) Broadcast { return p.everybody().Timeout(d) }

// Of is the namespace of that name; it is made when it is first asked for. A
// "/" is put in front where there is none. A name that matches a parent's
// pattern is its child. A name with a comma cannot be written in a packet: Of
// panics.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if strings.Contains(name, ",") {
		panic(fmt.Sprintf("socketio: namespace %q: a comma cannot be in a namespace's name", name))
	}
	s.mu.Lock()
	n := s.namespaces[name]
	if n != nil {
		s.mu.Unlock()
		return n
	}
	n = newNamespace(s, name)
	for _, p := range s.parents {
		if p.pattern != nil && p.pattern.MatchString(name) {
			p.adopt(n, false)
			break
		}
	}
	s.namespaces[name] = n
	s.mu.Unlock()
	s.tellNewNamespace(n)
	return n
}

// enter finds the namespace that a client wants to join, or makes it where a
// parent wants it made; nil: there is none. The client counts as one of its
// users until leave.
func (s *Server) enter(name string, auth json.RawMessage) *Namespace {
	s.mu.Lock()
	if n := s.namespaces[name]; n != nil {
		n.users++
		s.mu.Unlock()
		<-n.told
		return n
	}
	parents := s.parents
	s.mu.Unlock()
	for _, p := range parents {
		if !p.match(name, auth) {
			continue
		}
		s.mu.Lock()
		n := s.namespaces[name]
		made := n == nil
		if made {
			n = newNamespace(s, name)
			if s.closed || !p.adopt(n, true) {
				s.mu.Unlock()
				_ = n.adapter.Close()
				return nil
			}
			n.parent = p
			s.namespaces[name] = n
		}
		n.users++
		s.mu.Unlock()
		if made {
			s.tellNewNamespace(n)
		}
		<-n.told
		return n
	}
	return nil
}

// leave says that a client no longer uses a namespace.
func (s *Server) leave(n *Namespace) {
	s.mu.Lock()
	n.users--
	gone := n.users == 0 && n.parent != nil && s.opts.CleanupEmptyChildNamespaces && s.namespaces[n.name] == n
	if gone {
		delete(s.namespaces, n.name)
		n.parent.forget(n)
	}
	s.mu.Unlock()
	if gone {
		if err := n.adapter.Close(); err != nil {
			s.opts.Logger.Warn("socket.io: the adapter of an empty namespace does not close", "namespace", n.name, "error", err)
		}
	}
}

// OnNewNamespace has fn told of the namespaces that are made from now on. No client
// joins one before fn has returned.
func (s *Server) OnNewNamespace(fn func(*Namespace)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newNamespace = append(slices.Clone(s.newNamespace), fn)
}

func (s *Server) tellNewNamespace(n *Namespace) {
	defer close(n.told)
	s.mu.RLock()
	fns := s.newNamespace
	s.mu.RUnlock()
	for _, fn := range fns {
		fn(n)
	}
}
