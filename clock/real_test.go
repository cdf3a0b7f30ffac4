package clock_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"strata/clock"
)

// A bubble's fake clock makes the instants exact, so that the test needs no
// tolerance and takes no time.
func TestRealLoopRunsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop := clock.Real()
		start := loop.Now()
		var mu sync.Mutex
		var ran []time.Duration
		note := func() {
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, loop.Now().Sub(start))
		}
		when := func() []time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(ran)
		}

		loop.At(start.Add(2*time.Second), note)
		past := loop.At(start.Add(-time.Second), note)
		stopped := loop.At(start.Add(time.Second), note)
		require.True(t, stopped.Stop(), "nothing had run yet")
		require.False(t, stopped.Stop(), "it was stopped already")

		synctest.Wait()
		require.Equal(t, []time.Duration{0}, when(), "what was due runs at once")
		require.False(t, past.Stop(), "it has begun")

		// Reset revives a timer, whether it has run or was stopped.
		past.Reset(start.Add(3 * time.Second))
		stopped.Reset(start.Add(4 * time.Second))
		time.Sleep(5 * time.Second)
		require.Equal(t, []time.Duration{0, 2 * time.Second, 3 * time.Second, 4 * time.Second}, when())
		past.Reset(loop.Now().Add(time.Second))
		require.True(t, past.Stop())
	})
}

// Virtual time replaces the loop and the randomness and nothing else: so the
// floors it replaces them under must not reach past them. This reads their
// source; tests are free.
func TestLowerFloorsTakeTimeAndRandomnessFromOutside(t *testing.T) {
	forbidden := map[string][]string{
		"time":         {"Now", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep", "Since", "Until"},
		"context":      {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause"},
		"crypto/rand":  {"*"},
		"math/rand":    {"*"},
		"math/rand/v2": {"Int", "IntN", "Uint32", "Uint64", "Float64", "Perm", "Shuffle", "N"}, // the global source
	}
	checked := 0
	for _, floor := range []string{"link", "tun", "stack", "tcp", "udp", "names"} {
		err := filepath.WalkDir(filepath.Join("..", floor), func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "bench") {
				return nil
			}
			checked++
			for _, use := range uses(t, path, forbidden) {
				t.Errorf("%s: take it from the clock.Loop or the io.Reader given at construction", use)
			}
			return nil
		})
		require.NoError(t, err)
	}
	require.NotZero(t, checked)

	// The check itself can fail.
	bad := filepath.Join(t.TempDir(), "bad.go")
	require.NoError(t, os.WriteFile(bad, []byte("package bad\nimport \"context\"\nimport t \"time\"\nvar x = t.Now()\nvar y, _ = context.WithTimeout(nil, 0)\n"), 0o600))
	require.Len(t, uses(t, bad, forbidden), 2)
}

// uses lists the places in a file where something forbidden is named.
func uses(t *testing.T, path string, forbidden map[string][]string) (found []string) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, 0)
	require.NoError(t, err)
	imported := map[string]string{} // local name -> path
	for _, imp := range f.Imports {
		p, err := strconv.Unquote(imp.Path.Value)
		require.NoError(t, err)
		name := filepath.Base(p)
		if name == "v2" {
			name = filepath.Base(filepath.Dir(p))
		}
		if imp.Name != nil {
			name = imp.Name.Name
		}
		imported[name] = p
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		for _, name := range forbidden[imported[pkg.Name]] {
			if name == "*" || name == sel.Sel.Name {
				found = append(found, fset.Position(sel.Pos()).String()+": "+pkg.Name+"."+sel.Sel.Name)
			}
		}
		return true
	})
	return found
}
