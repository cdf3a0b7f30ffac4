package processors

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var running atomic.Bool

// Spare keeps GOMAXPROCS as low as the work allows until stop is called, which
// gives back what it was, or where that was what Go itself chooses has Go choose
// again, and may be called more than once. It is for a whole program, and for main
// to call, after hosts and servers were made: gVisor serves a host's connections
// with as many goroutines as there are processors when it is made.
//
// While it runs Go does not follow what the system allows (the cgroup's limit): the
// most is what there was at first.
//
// It does nothing where somebody has decided already: where GOMAXPROCS is set in
// the environment, or Spare runs. Nor does it where there is one processor only,
// or no way to ask for the processor time taken (Windows, Plan 9).
func Spare() (stop func()) {
	if _, ok := Time(); !ok || os.Getenv("GOMAXPROCS") != "" || !running.CompareAndSwap(false, true) {
		return func() {}
	}
	most, giveBack := processors()
	if most == 1 {
		running.Store(false)
		return func() {}
	}
	g := newGovernor(most)
	runtime.GOMAXPROCS(g.procs)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer giveBack()
		govern(g, quit)
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-done
		running.Store(false)
	})
}

// processors are those that the program has, and how to have them again. Where they
// are what Go itself chose it goes on following then what the system allows.
func processors() (n int, giveBack func()) {
	n = runtime.GOMAXPROCS(0)
	if runtime.SetDefaultGOMAXPROCS(); runtime.GOMAXPROCS(0) == n {
		return n, runtime.SetDefaultGOMAXPROCS
	}
	giveBack = func() { runtime.GOMAXPROCS(n) }
	giveBack()
	return n, giveBack
}

// govern asks the governor every tick, until quit is closed.
func govern(g *governor, quit <-chan struct{}) {
	w, m := newWaits(), newMeter()
	next := time.NewTimer(tick)
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-quit:
			return
		}
		u := usage{busy: m.used(), wait: w.mean()}
		if g.wants(u) {
			u.idle = m.unused()
		} else {
			m.forget()
		}
		if had := g.procs; g.next(u) != had {
			runtime.GOMAXPROCS(g.procs)
		}
		next.Reset(g.pause(u))
	}
}
