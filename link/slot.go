package link

import "time"

// slots groups arrivals as netem's slots do: what is due waits for the next slot
// that has room. Slots follow each other at their distances while there is
// traffic; after a pause the first is at its distance from the packet that ends
// the pause.
type slots struct {
	Slot
	at      time.Duration // of the present slot: what is due later waits for another
	begun   bool          // false: there is no present slot yet
	packets int           // in it
	bytes   int
	number  uint64 // of it, for its draw
}

// set changes the slots; those that are the same go on as they were.
func (s *slots) set(to Slot, now time.Duration) {
	if s.Slot != to {
		*s = slots{Slot: to, at: now, number: s.number}
	}
}

func (s *slots) none() bool { return s.Max == 0 }

// place is when a packet that is due arrives. One that is larger than what a
// slot takes has a slot for itself.
func (s *slots) place(d draws, due time.Duration, size int) time.Duration {
	full := !s.begun || s.Packets > 0 && s.packets >= s.Packets || s.Bytes > 0 && s.bytes > 0 && s.bytes+size > s.Bytes
	if full || due > s.at {
		s.number++
		distance := s.Min + time.Duration(d.uniform(s.number, drawSlot)*float64(s.Max-s.Min))
		s.packets, s.bytes, s.begun = 0, 0, true
		if s.at = later(s.at, distance); s.at < due {
			s.at = later(due, distance)
		}
	}
	s.packets++
	s.bytes += size
	return s.at
}
