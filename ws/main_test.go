package ws

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"strata/internal/leak"
)

func TestMain(m *testing.M) {
	withExtendedConnect()
	leak.Main(m)
}

const extendedConnect = "http2xconnect=1"

// withExtendedConnect starts the program again where net/http would not take
// WebSockets over HTTP/2: it looks at GODEBUG before main, and nowhere else.
// Where a system cannot do that the tests of HTTP/2 are skipped.
func withExtendedConnect() {
	old := os.Getenv("GODEBUG")
	self, err := os.Executable()
	if err != nil || strings.Contains(old, extendedConnect) {
		return
	}
	os.Setenv("GODEBUG", strings.TrimPrefix(old+","+extendedConnect, ","))
	_ = syscall.Exec(self, os.Args, os.Environ())
	os.Setenv("GODEBUG", old)
}
