package socketio

import (
	"maps"
	"slices"
	"sync"
)

// rooms says which sockets of a namespace are there, and which are in which
// rooms. Every socket is in the room named by its id without a word about it.
type rooms struct {
	mu      sync.RWMutex
	sockets map[string]*Socket // by id
	members map[string]map[*Socket]struct{}
	joined  map[*Socket]map[string]struct{}
}

func newRooms() rooms {
	return rooms{sockets: map[string]*Socket{}, members: map[string]map[*Socket]struct{}{}, joined: map[*Socket]map[string]struct{}{}}
}

func (r *rooms) add(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sockets[s.id] = s
}

// remove takes a socket out of all rooms, and out of the namespace.
func (r *rooms) remove(s *Socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for room := range r.joined[s] {
		r.leave(s, room)
	}
	delete(r.sockets, s.id)
}

func (r *rooms) join(s *Socket, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sockets[s.id] != s {
		return // it has left: nobody would take it out again
	}
	for _, room := range names {
		if room == s.id {
			continue
		}
		if r.members[room] == nil {
			r.members[room] = map[*Socket]struct{}{}
		}
		r.members[room][s] = struct{}{}
		if r.joined[s] == nil {
			r.joined[s] = map[string]struct{}{}
		}
		r.joined[s][room] = struct{}{}
	}
}

// leave takes a socket out of a room. The caller has mu.
func (r *rooms) leave(s *Socket, room string) {
	delete(r.members[room], s)
	if len(r.members[room]) == 0 {
		delete(r.members, room)
	}
	delete(r.joined[s], room)
	if len(r.joined[s]) == 0 {
		delete(r.joined, s)
	}
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

func (r *rooms) all() []*Socket {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Collect(maps.Values(r.sockets))
}

// selected are the sockets in any of the rooms to (everybody, where that is
// empty) and in none of except.
func (r *rooms) selected(to, except []string) []*Socket {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var selected []*Socket
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
		selected = make([]*Socket, 0, len(r.sockets))
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
