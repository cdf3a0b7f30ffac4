package explain

import (
	"cmp"
	"slices"
)

// Slowest explains the n messages that took longest, the slowest first: those of
// the highest layer that told of them (a Socket.IO packet, not the frames that
// carry it), as far as they can be explained.
func (s *Story) Slowest(n int) []*Explanation {
	var all []*Explanation
	for _, m := range s.Messages {
		if len(m.Carries) > 0 {
			continue
		}
		if e, err := m.Explain(); err == nil {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b *Explanation) int { return cmp.Compare(b.Latency(), a.Latency()) })
	return all[:min(n, len(all))]
}
