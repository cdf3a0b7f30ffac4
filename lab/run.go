package lab

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"

	"strata/trace"
)

var (
	seedFlag  = flag.Uint64("strata.seed", 0, "seed of the worlds of package lab (0: that of STRATA_SEED, else 1)")
	seedsFlag = flag.Int("strata.seeds", 1, "run each world with so many seeds, from -strata.seed on")
)

// Option changes how a world is run.
type Option func(*options)

type options struct {
	seed     uint64 // 0: that of the flags
	realTime bool
	recorder trace.Recorder
	losses   *lossPlan // nil leaves them to the loss models, and notes nothing
}

// Seed sets the world's seed (not 0), whatever the flags say.
func Seed(seed uint64) Option { return func(o *options) { o.seed = seed } }

// RealTime runs the same world by the wall's clock: for a result in doubt.
func RealTime() Option { return func(o *options) { o.realTime = true } }

// Record tells rec of every packet and connection of every host, in detail (see
// stack.Config), and of what became of each packet on the wires.
func Record(rec trace.Recorder) Option { return func(o *options) { o.recorder = rec } }

// Run runs f in a world of its own, in virtual time, closed when f returns.
//
// The seed is that of the option Seed, else of the flag -strata.seed, else of
// STRATA_SEED, else 1. With -strata.seeds N it is run with N seeds, a subtest
// each. Where the test fails, the log says how to run it again, and where the
// capture of all its packets is.
func Run(t *testing.T, f func(w *World), opts ...Option) {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.seed != 0 {
		o.run(t, f)
		return
	}
	first, err := firstSeed()
	if err != nil {
		t.Fatal(err)
	}
	if *seedsFlag <= 1 {
		o.seed = first
		o.run(t, f)
		return
	}
	for i := range *seedsFlag {
		o := o
		o.seed = first + uint64(i)
		before := t.Failed()
		blamed := false
		t.Run(fmt.Sprintf("seed=%d", o.seed), func(seed *testing.T) {
			o.run(seed, f, t)
			// f knows the test around all seeds only, and may have failed that.
			if !before && t.Failed() && !seed.Failed() {
				blamed = true
				seed.Fail()
			}
		})
		if left := *seedsFlag - i - 1; blamed && left > 0 {
			t.Logf("the %d seeds behind it were not run: a test fails only once; use the world's T to have them all", left)
			return
		}
	}
}

func firstSeed() (uint64, error) {
	if *seedFlag != 0 {
		return *seedFlag, nil
	}
	s := os.Getenv("STRATA_SEED")
	if s == "" {
		return 1, nil
	}
	seed, err := strconv.ParseUint(s, 0, 64)
	if err != nil || seed == 0 {
		return 0, fmt.Errorf("STRATA_SEED=%q: a whole number above 0 is wanted", s)
	}
	return seed, nil
}

func (o options) run(t *testing.T, f func(w *World), around ...*testing.T) {
	t.Helper()
	kept := &keeper{limit: maxKept}
	inside := func(bubble *testing.T) {
		w := newWorld(newFamily(bubble, append(around, t)), o)
		w.CaptureTo(kept)
		defer w.explain(kept)
		defer w.Close()
		f(w)
		w.Wait()
	}
	if o.realTime {
		inside(t)
		return
	}
	o.bubble(t, inside)
}

// bubble runs inside in virtual time.
func (o options) bubble(t *testing.T, inside func(bubble *testing.T)) {
	defer oneProcessor()()
	defer collectByHand()()
	if testing.Testing() {
		// What draws from crypto/rand itself, TLS above all, repeats too.
		cryptotest.SetGlobalRandom(t, derive64(o.seed, "crypto"))
	}
	synctest.Test(t, inside)
}

// family is the test of a bubble and those around it, which are what the test's
// function calls t: where one fails, the world has.
type family struct {
	*testing.T
	around []*testing.T // that had not failed when the world began
}

func newFamily(t *testing.T, around []*testing.T) family {
	n := family{T: t}
	for _, a := range around {
		if !a.Failed() {
			n.around = append(n.around, a)
		}
	}
	return n
}

// Failed implements testing.TB.
func (n family) Failed() bool {
	return n.T.Failed() || slices.ContainsFunc(n.around, (*testing.T).Failed)
}

// maxKept bounds what is kept of a world's packets in case it fails; the
// capture ends there.
const maxKept = 64 << 20

// keeper is a buffer that stops growing.
type keeper struct {
	limit int
	buf   bytes.Buffer
}

func (k *keeper) Write(p []byte) (int, error) {
	if k.buf.Len()+len(p) <= k.limit {
		return k.buf.Write(p)
	}
	k.limit = 0 // whole writes only: what follows a gap could not be read
	return len(p), nil
}

// testedPackage is the package whose test this is, after a space; "" where nobody
// says.
func testedPackage() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	path, ok := strings.CutSuffix(info.Path, ".test")
	if !ok || path == "command-line-arguments" {
		return ""
	}
	return " " + path
}

// explain says of a test that failed what one needs to look at it again.
func (w *World) explain(kept *keeper) {
	t := w.t
	t.Helper()
	if !t.Failed() {
		return
	}
	name := regexp.MustCompile(`/seed=\d+$`).ReplaceAllString(t.Name(), "")
	t.Logf("the world's seed is %d; again: go test%s -run '^%s$' -strata.seed=%d", w.seed, testedPackage(), strings.ReplaceAll(name, "/", "$/^"), w.seed)
	path := filepath.Join(os.TempDir(), fmt.Sprintf("%s-seed%d.pcapng", strings.ReplaceAll(name, "/", "_"), w.seed))
	if err := os.WriteFile(path, kept.buf.Bytes(), 0o644); err == nil {
		t.Logf("its packets are in %s", path)
	}
	if w.lastWords != "" {
		t.Logf("before it was closed:\n%s", w.lastWords)
	}
}

// netstats is a look at every host's connections.
func (w *World) netstats() string {
	var b strings.Builder
	for i, h := range w.hosts {
		if i == maxNetstats {
			fmt.Fprintf(&b, "… and %d more hosts\n", len(w.hosts)-i)
			break
		}
		if table := h.Netstat(); len(table) > 0 {
			fmt.Fprintf(&b, "%s (%v)\n%v", h.Name(), h.addr4, table)
		}
	}
	return b.String()
}

// maxNetstats is how many hosts of a world that failed are shown.
const maxNetstats = 20

var processors struct {
	mu     sync.Mutex
	worlds int
	before int
}

// oneProcessor sets GOMAXPROCS to 1 for as long as there are virtual worlds,
// and returns what ends that.
func oneProcessor() (end func()) {
	p := &processors
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.worlds == 0 {
		p.before = runtime.GOMAXPROCS(1)
	}
	p.worlds++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.worlds--; p.worlds == 0 {
			runtime.GOMAXPROCS(p.before)
		}
	}
}
