package ws

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The package leaves no goroutine behind: after all tests none is in its code.
func TestMain(m *testing.M) {
	withExtendedConnect()
	code := m.Run()
	if left := goroutinesLeft(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
		code = 1
	}
	os.Exit(code)
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

// goroutinesLeft is the stacks that are in this package, after those on their
// way out had time to go.
func goroutinesLeft() string {
	for deadline := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		buf := make([]byte, 1<<20)
		var left []string
		for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "strata/ws") && !strings.Contains(stack, "TestMain") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
