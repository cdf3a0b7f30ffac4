package processors

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// with has the test run with so many processors.
func with(t *testing.T, procs int) {
	had := runtime.GOMAXPROCS(procs)
	t.Cleanup(func() { runtime.GOMAXPROCS(had) })
}

func TestSpareBeginsWithOneAndGivesBack(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	with(t, 3)
	if _, ok := Time(); !ok {
		t.Skip("this system does not say what processor time a program has taken")
	}
	stop := Spare()
	require.Equal(t, 1, runtime.GOMAXPROCS(0))
	again := Spare() // one is enough
	again()
	require.Equal(t, 1, runtime.GOMAXPROCS(0))
	stop()
	require.Equal(t, 3, runtime.GOMAXPROCS(0))
	stop()
	stop = Spare()
	require.Equal(t, 1, runtime.GOMAXPROCS(0))
	stop()
	require.Equal(t, 3, runtime.GOMAXPROCS(0))

	runtime.SetDefaultGOMAXPROCS()
	own := runtime.GOMAXPROCS(0)
	stop = Spare()
	require.Equal(t, 1, runtime.GOMAXPROCS(0))
	stop()
	require.Equal(t, own, runtime.GOMAXPROCS(0))
}

func TestSpareLeavesWhatIsDecided(t *testing.T) {
	with(t, 2)
	t.Setenv("GOMAXPROCS", "2")
	stop := Spare()
	require.Equal(t, 2, runtime.GOMAXPROCS(0))
	stop()
	require.Equal(t, 2, runtime.GOMAXPROCS(0))
}

// Goroutines that wait for the only processor are seen to wait for it.
func TestWaits(t *testing.T) {
	with(t, 1)
	w := newWaits()
	const each = 100
	done := make(chan bool)
	for range 8 {
		go func() {
			for range each {
				for began := time.Now(); time.Since(began) < 20*time.Microsecond; {
				}
				runtime.Gosched()
			}
			done <- true
		}()
	}
	for range 8 {
		<-done
	}
	require.GreaterOrEqual(t, w.mean(), 20*time.Microsecond, "each waits for seven others")
}

func TestMiddle(t *testing.T) {
	require.Equal(t, 3.0, middle(2, 4))
	require.Zero(t, middle(math.Inf(-1), 0))
	require.Equal(t, 5.0, middle(5, math.Inf(1)))
}

// The meter counts what this program takes, and asks the machine only twice in a
// row.
func TestMeter(t *testing.T) {
	if _, ok := Time(); !ok {
		t.Skip("this system does not say what processor time a program has taken")
	}
	m := newMeter()
	for began, _ := Time(); ; {
		if now, _ := Time(); now-began > 20*time.Millisecond {
			break
		}
	}
	require.Positive(t, m.used())
	if _, ok := idleTime(); !ok {
		require.True(t, math.IsInf(m.unused(), 1))
		return
	}
	require.Zero(t, m.unused(), "since when?")
	require.GreaterOrEqual(t, m.unused(), 0.0)
	m.forget()
	require.Zero(t, m.unused())
	require.Zero(t, ratio(time.Second, 0))
}
