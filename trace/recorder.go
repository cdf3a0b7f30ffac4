package trace

// Recorder is who is told. Record may be called from many goroutines at once,
// also under locks of the caller: it must not block for long and must not call
// back. It may keep the event.
type Recorder interface {
	Record(Event)
}

// Interest is how much a Recorder wants to be told of a connection, now.
type Interest uint8

// Each is all of the one before, and more.
const (
	Beginnings Interest = iota // only how connections begin: segments with SYN, and [TLS]
	Outline                    // all but details
	Details                    // and what programs write and read, TLS records, senders' states, why segments are sent again
)

// Selective is a Recorder that does not always want everything. Who reports asks
// it before an event is made (see [Wants]), so that one that sleeps costs next to
// nothing. How a connection begins it is always told: without that, what it hears
// later has no place in the stream. It ignores what it is told nevertheless.
type Selective interface {
	Recorder

	// Interest is how much of a connection is wanted, whichever end names it; for
	// the zero Flow, how much of what belongs to none, which is also the most of
	// any. It may change at any moment, and is asked for from many goroutines.
	Interest(Flow) Interest
}

// Wants says whether so much of a connection is worth telling r: always where it
// is not Selective, never where it is nil.
func Wants(r Recorder, f Flow, much Interest) bool {
	if r == nil {
		return false
	}
	s, ok := r.(Selective)
	return !ok || s.Interest(f) >= much
}

// RecorderFunc makes a Recorder of a function.
type RecorderFunc func(Event)

// Record calls f.
func (f RecorderFunc) Record(e Event) { f(e) }

// Tee tells every one of the recorders, in order; nil ones are left out. It is
// nil where none is left.
func Tee(recorders ...Recorder) Recorder {
	var t tee
	for _, r := range recorders {
		if r != nil {
			t = append(t, r)
		}
	}
	switch len(t) {
	case 0:
		return nil
	case 1:
		return t[0]
	}
	return t
}

type tee []Recorder

var _ Selective = tee(nil)

// Interest is that of who wants most.
func (t tee) Interest(f Flow) Interest {
	most := Beginnings
	for _, r := range t {
		s, ok := r.(Selective)
		if !ok {
			return Details
		}
		most = max(most, s.Interest(f))
	}
	return most
}

func (t tee) Record(e Event) {
	for _, r := range t {
		r.Record(e)
	}
}
