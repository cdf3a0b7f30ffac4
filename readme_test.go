// Package strata has no code of its own: this test holds the README to what
// compiles.
package strata

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every Go snippet of the README is a part, word for word, of a program or test
// in examples/, which is compiled with the other tests, and run if it is a test.
func TestSnippetsOfTheREADMECompile(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.NotRegexp(t, `(?m)^[A-Z]{5,}$`, string(readme), "something was to be filled in")
	var examples []string
	files, err := filepath.Glob("examples/*/*.go")
	require.NoError(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		examples = append(examples, unindented(string(b)))
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.GreaterOrEqual(t, len(snippets), 3, "one for each use")
	for _, s := range snippets {
		found := false
		for _, e := range examples {
			found = found || strings.Contains(e, unindented(s[1]))
		}
		require.True(t, found, "in no example:\n%s", s[1])
	}
}

// Every make target and subcommand that the README names exists.
func TestCommandsOfTheREADMEExist(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	targets := regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, targets)
	for _, m := range targets {
		require.Regexp(t, `(?m)^`+m[1]+`:`, string(makefile))
	}
	for _, m := range regexp.MustCompile("(?m)(?:^|`|run ./cmd/)strata ([a-z]+)").FindAllStringSubmatch(string(readme), -1) {
		require.FileExists(t, filepath.Join("cmd/strata", m[1]+".go"))
	}
}

// unindented leaves out indentation, so that a part of a function may stand at
// the margin.
func unindented(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.Join(lines, "\n")
}
