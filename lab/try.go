package lab

import "testing"

// Try runs f in a world, as Run does, and gives how it failed: the error that f
// returned, or with what it failed the world's T, which fails neither t nor
// anything else. Nothing is captured unless f asks for it. It is for experiments,
// in which a world that fails is a result like another.
//
// f must do all that it does with the world it is given, and give its error back
// or to the world's T, in place of the test around it.
func Try(t *testing.T, f func(w *World) error, opts ...Option) error {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.seed == 0 {
		seed, err := firstSeed()
		if err != nil {
			return err
		}
		o.seed = seed
	}
	return o.try(t, f)
}

// try runs f in a world of its own and gives how it fails.
func (o options) try(t *testing.T, f func(w *World) error) error {
	var result trial
	inside := func(t *testing.T) {
		result.T = t
		w := newWorld(&result, o)
		defer w.Close()
		done := make(chan struct{})
		go func() { // of its own, since Fatalf ends it
			defer close(done)
			if err := f(w); err != nil {
				result.fail(err)
			}
		}()
		<-done
		if !result.Failed() {
			w.Wait()
		}
	}
	if o.realTime {
		inside(t)
	} else {
		o.bubble(t, inside)
	}
	return result.err
}
