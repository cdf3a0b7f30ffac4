package trace

// Recorder is who is told. Record may be called from many goroutines at once,
// also under locks of the caller: it must not block for long and must not call
// back. It may keep the event.
type Recorder interface {
	Record(Event)
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

func (t tee) Record(e Event) {
	for _, r := range t {
		r.Record(e)
	}
}
