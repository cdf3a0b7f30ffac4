package lab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
)

// failing is set in the environment of a test binary whose worlds are to fail.
const failing = "STRATA_TEST_FAILING"

// TestFailingWorld fails, but only where TestWhatAFailingWorldSays runs it.
func TestFailingWorld(t *testing.T) {
	how := os.Getenv(failing)
	if how == "" {
		t.Skip("run by another test")
	}
	lab.Run(t, func(w *lab.World) {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, link.MustParseShape("delay 20ms"))
		wire.Rule(link.Nth(2, link.Data, link.Drop))
		server.Listen(":80")
		c, err := phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		c.Write([]byte("hello"))
		w.Sleep(100 * time.Millisecond)
		t.Logf("this is seed %d", w.Seed())
		switch {
		case how == "third" && w.Seed()%3 != 0:
		case how == "delivered":
			w.Delivered(wire.BA(), 1000)
		case how == "within":
			w.Within(time.Second, func() bool { return false })
		case how == "outside":
			t.Error("the test around the world, as it was told to")
		default:
			w.T().Error("as it was told to")
		}
	})
}

// fail runs the failing world in a process of its own, and gives what that
// prints and the directory for its captures.
func fail(t *testing.T, how string, env string, args ...string) (output, captures string) {
	captures = t.TempDir()
	cmd := exec.Command(os.Args[0], append([]string{"-test.run=^TestFailingWorld$", "-test.v"}, args...)...)
	cmd.Env = append(os.Environ(), failing+"="+how, "TMPDIR="+captures, env)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	return string(out), captures
}

// Who looks at a test that failed finds there: how to run it again, where its
// packets are, and how its connections and wires were.
func TestWhatAFailingWorldSays(t *testing.T) {
	for _, how := range []string{"always", "outside"} {
		out, captures := fail(t, how, "STRATA_SEED=77")
		require.Contains(t, out, "this is seed 77")
		require.Contains(t, out, "the world's seed is 77; again: go test strata/lab -run '^TestFailingWorld$' -strata.seed=77")
		require.Regexp(t, `(?m)^ *ESTABLISHED +10\.0\.0\.2:\d+ +10\.0\.0\.1:80 .*bytes_sent:5`, out)
		require.Contains(t, out, "phone-server from phone: 3 sent, 3 arrived\n")
		path := regexp.MustCompile(`its packets are in (.*\.pcapng)`).FindStringSubmatch(out)
		require.NotNil(t, path)
		require.Equal(t, captures, filepath.Dir(path[1]))
		capture, err := os.ReadFile(path[1])
		require.NoError(t, err)
		require.Equal(t, "\x0a\x0d\x0d\x0a", string(capture[:4]), "a section header block")
		require.Greater(t, len(capture), 1000, "six packets, seen at both ends")
	}
}

// The command that it names fails in the same way, packet for packet.
func TestReplay(t *testing.T) {
	first, in1 := fail(t, "always", "STRATA_SEED=78")
	require.Contains(t, first, "-strata.seed=78")
	_, in2 := fail(t, "always", "STRATA_SEED=5", "-strata.seed=78") // the flag wins
	const file = "TestFailingWorld-seed78.pcapng"
	one, err := os.ReadFile(filepath.Join(in1, file))
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(in2, file))
	require.NoError(t, err)
	require.Equal(t, one, two)
}

// Of several seeds each is a test of its own, so that it is seen which failed.
func TestSeveralSeeds(t *testing.T) {
	out, _ := fail(t, "third", "", "-strata.seed=10", "-strata.seeds=6")
	for seed, result := range map[string]string{"10": "PASS", "11": "PASS", "12": "FAIL", "13": "PASS", "14": "PASS", "15": "FAIL"} {
		require.Contains(t, out, "--- "+result+": TestFailingWorld/seed="+seed+" ")
	}
	for _, seed := range []string{"12", "15"} {
		require.Contains(t, out, "again: go test strata/lab -run '^TestFailingWorld$' -strata.seed="+seed)
	}
}

// Who fails the test around the world fails that once for all seeds: it is told
// which seed did it, and that the others were not run.
func TestSeveralSeedsThatFailTheTestAroundThem(t *testing.T) {
	out, _ := fail(t, "outside", "", "-strata.seed=10", "-strata.seeds=5")
	require.Contains(t, out, "--- FAIL: TestFailingWorld/seed=10 ")
	require.NotContains(t, out, "TestFailingWorld/seed=11")
	require.Contains(t, out, "the 4 seeds behind it were not run")
}

// Expectations say what was there in place of what was expected.
func TestExpectationsExplainThemselves(t *testing.T) {
	out, _ := fail(t, "delivered", "")
	require.Contains(t, out, "phone-server from server: 1000 packets were to arrive, 2 did: 2 sent, 2 arrived (140ms after the world began)")
	out, _ = fail(t, "within", "")
	require.Contains(t, out, "it did not happen within 1s (1.14s after the world began)")
	out, _ = fail(t, "always", "STRATA_SEED=none")
	require.Contains(t, out, `STRATA_SEED="none": a whole number above 0 is wanted`)
}

// One body in virtual and in real time: a ping over 5 ms takes twice that, in
// real time and a little.
func TestTheSameBodyInRealTime(t *testing.T) {
	body := func(t *testing.T, opts ...lab.Option) (rtt time.Duration) {
		lab.Run(t, func(w *lab.World) {
			a, b := w.Host("a"), w.Host("b")
			wire := w.Connect(a, b, link.MustParseShape("delay 5ms"))
			var err error
			rtt, err = a.Ping(w.Context(), b.Addr())
			require.NoError(t, err)
			w.Sleep(10 * time.Millisecond)
			w.Delivered(wire.AB(), 1)
			w.Delivered(wire.BA(), 1)
		}, opts...)
		return rtt
	}
	require.Equal(t, 10*time.Millisecond, body(t))
	require.GreaterOrEqual(t, body(t, lab.RealTime()), 10*time.Millisecond)
}
