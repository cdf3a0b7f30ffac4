//go:build linux

package nstest

import (
	"os"
	"testing"
)

// New is [Make] for a test, which removes the namespace when it ends. Where the
// machine does not let it, the test is skipped and says why; with CI=true in the
// environment it fails instead: there a test that did not run is no test.
func New(t testing.TB) string {
	t.Helper()
	if os.Geteuid() != 0 {
		lacking(t, "it takes root, to make network namespaces and devices")
	}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		lacking(t, err.Error())
	}
	f.Close()
	name, err := Make("strata-tun-test")
	if err != nil {
		lacking(t, err.Error())
	}
	t.Cleanup(func() {
		if err := Remove(name); err != nil {
			t.Errorf("remove the namespace %s: %v", name, err)
		}
	})
	return name
}

func lacking(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("not possible here: ", why)
	}
	t.Skip("not possible here: ", why)
}
