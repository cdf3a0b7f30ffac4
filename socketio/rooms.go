package socketio

import (
	"maps"
	"slices"
	"sync"
)

// rooms says which sockets of a namespace are there, and which are in which
// rooms. Every socket is in the room named by its id without a word about it.
type rooms struct {
	events *roomEvents

	mu      sync.RWMutex
	sockets map[string]*Socket // by id
	members map[string]map[*Socket]struct{}
	joined  map[*Socket]map[string]struct{}
}

// roomEvents is who is told of changes.
type roomEvents struct {
	mu   sync.RWMutex
	list []RoomEvents
}

func (e *roomEvents) each(f func(RoomEvents)) {
	e.mu.RLock()
	list := e.list
	e.mu.RUnlock()
	for _, events := range list {
		f(events)
	}
}

func (e *roomEvents) tell(room, id string, created, deleted, joined, left bool) {
	e.each(func(events RoomEvents) {
		if created && events.Created != nil {
			events.Created(room)
		}
		if joined && events.Joined != nil {
			events.Joined(room, id)
		}
		if left && events.Left != nil {
			events.Left(room, id)
		}
		if deleted && events.Deleted != nil {
			events.Deleted(room)
		}
	})
}

func newRooms(events *roomEvents) rooms {
	return rooms{
		events: events, sockets: map[string]*Socket{},
		members: map[string]map[*Socket]struct{}{}, joined: map[*Socket]map[string]struct{}{},
	}
}

// add has a socket in the namespace, and at the same moment in rooms. One that has
// ended meanwhile stays out, as add reports: nobody would take it out again.
func (r *rooms) add(s *Socket, names []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.found() {
		return false
	}
	r.sockets[s.id] = s
	r.events.tell(s.id, s.id, true, false, true, false)
	r.enter(s, names)
	return true
}

func (r *rooms) get(id string) *Socket {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sockets[id]
}

// remove takes a socket out of all rooms, and out of the namespace.
func (r *rooms) remove(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for room := range r.joined[s] {
		r.leaveOne(s, room)
	}
	if r.sockets[s.id] == s {
		delete(r.sockets, s.id)
		r.events.tell(s.id, s.id, false, true, false, true)
	}
}

func (r *rooms) join(s *Socket, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sockets[s.id] != s {
		return // it has left: nobody would take it out again
	}
	r.enter(s, names)
}

// enter puts a socket that is in the namespace into rooms. The caller has mu.
func (r *rooms) enter(s *Socket, names []string) {
	for _, room := range names {
		if room == s.id || r.in(s, room) {
			continue
		}
		created := r.members[room] == nil
		if created {
			r.members[room] = map[*Socket]struct{}{}
		}
		r.members[room][s] = struct{}{}
		if r.joined[s] == nil {
			r.joined[s] = map[string]struct{}{}
		}
		r.joined[s][room] = struct{}{}
		r.events.tell(room, s.id, created, false, true, false)
	}
}

func (r *rooms) leave(s *Socket, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, room := range names {
		r.leaveOne(s, room)
	}
}

// leaveOne takes a socket out of a room. The caller has mu.
func (r *rooms) leaveOne(s *Socket, room string) {
	if _, in := r.joined[s][room]; !in {
		return
	}
	delete(r.members[room], s)
	empty := len(r.members[room]) == 0
	if empty {
		delete(r.members, room)
	}
	delete(r.joined[s], room)
	if len(r.joined[s]) == 0 {
		delete(r.joined, s)
	}
	r.events.tell(room, s.id, false, empty, false, true)
}

// of are the rooms of a socket: its own first, the others sorted. None where it
// has left the namespace.
func (r *rooms) of(s *Socket) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.sockets[s.id] != s {
		return nil
	}
	return append([]string{s.id}, slices.Sorted(maps.Keys(r.joined[s]))...)
}

// selected appends the sockets in any of the rooms to (everybody, where that is
// empty) and in none of except.
func (r *rooms) selected(selected []*Socket, to, except []string) []*Socket {
	r.mu.RLock()
	defer r.mu.RUnlock()
	take := func(s *Socket) {
		for _, room := range except {
			if r.in(s, room) {
				return
			}
		}
		selected = append(selected, s)
	}
	switch len(to) {
	case 0:
		selected = slices.Grow(selected, len(r.sockets))
		for _, s := range r.sockets {
			take(s)
		}
	case 1:
		r.each(to[0], take)
	default:
		seen := map[*Socket]struct{}{}
		for _, room := range to {
			r.each(room, func(s *Socket) {
				if _, twice := seen[s]; !twice {
					seen[s] = struct{}{}
					take(s)
				}
			})
		}
	}
	return selected
}

func (r *rooms) in(s *Socket, room string) bool {
	_, in := r.joined[s][room]
	return in || room == s.id
}

func (r *rooms) each(room string, f func(*Socket)) {
	own := r.sockets[room]
	if own != nil {
		f(own)
	}
	for s := range r.members[room] {
		if s != own {
			f(s)
		}
	}
}
