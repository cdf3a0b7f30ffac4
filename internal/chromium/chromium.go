// Package chromium finds the browser in which tests look at pages, and what drives
// it.
//
//	modules := chromium.Needs(t) // or the test is skipped
//	cmd := exec.Command("node", "testdata/visit.mjs", modules, page)
package chromium

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Needs gives the folder of Node modules that has playwright-core. It skips the
// test where that, node or Chromium is missing; where CI is set it fails.
// STRATA_CHROMIUM names another Chromium.
func Needs(t testing.TB) (modules string) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	modules = filepath.Join(filepath.Dir(here), "..", "..", "netns-tests", "node", "node_modules")
	browser := os.Getenv("STRATA_CHROMIUM")
	if browser == "" {
		browser = "chromium"
	}
	missing := ""
	for _, program := range []string{"node", browser} {
		if _, err := exec.LookPath(program); err != nil {
			missing = program
		}
	}
	if _, err := os.Stat(filepath.Join(modules, "playwright-core")); err != nil {
		missing = "npm's playwright-core"
	}
	switch {
	case missing == "":
	case os.Getenv("CI") != "":
		t.Fatalf("needs %s, and CI has to have it: run netns-tests/setup.sh as root", missing)
	default:
		t.Skipf("needs %s: run netns-tests/setup.sh as root", missing)
	}
	return modules
}
