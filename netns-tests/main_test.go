package netnstests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// strata is the path of the command that is tested.
var strata string

func TestMain(m *testing.M) {
	status, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "netns-tests:", err)
		status = 1
	}
	os.Exit(status)
}

func buildAndRun(m *testing.M) (int, error) {
	removeOrphanedNamespaces()
	if bin := os.Getenv("STRATA_BIN"); bin != "" {
		path, err := filepath.Abs(bin)
		strata = path
		if err != nil {
			return 1, err
		}
		return m.Run(), nil
	}
	if err := dependOnSources(); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "strata-netns-tests-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	// Some tests run it as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	strata = filepath.Join(dir, "strata")
	args := []string{"build", "-buildvcs=false", "-o", strata}
	if raceDetected() {
		args = append(args, "-race")
		// By default a program waits for a second at its end for races to show.
		os.Setenv("GORACE", "atexit_sleep_ms=50 "+os.Getenv("GORACE"))
	}
	build := exec.Command("go", append(args, "strata/cmd/strata")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return 1, fmt.Errorf("build the command: %w", err)
	}
	return m.Run(), nil
}

// dependOnSources tells go test what the results depend on, besides this
// package: folders that a test reads become part of the key under which its
// result is cached, with the size and time of each file.
func dependOnSources() error {
	list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.Dir}}{{end}}", "strata/cmd/strata")
	list.Stderr = os.Stderr
	dirs, err := list.Output()
	if err != nil {
		return fmt.Errorf("list the command's packages: %w", err)
	}
	for _, dir := range append(strings.Fields(string(dirs)), "node") {
		if _, err := os.ReadDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// raceDetected says whether this test binary was built with -race.
func raceDetected() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
