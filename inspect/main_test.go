package inspect

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The package leaves no goroutine behind: after all tests none is in its code,
// nor in net/http's for a client of it.
func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if left := goroutinesLeft(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// goroutinesLeft is the stacks that are in this package or serve its clients, after
// those on their way out had time to go.
func goroutinesLeft() string {
	for deadline := time.Now().Add(8 * time.Second); ; runtime.Gosched() {
		buf := make([]byte, 1<<20)
		var left []string
		for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if (strings.Contains(stack, "strata/inspect") || strings.Contains(stack, "net/http.(*conn)")) && !strings.Contains(stack, "TestMain") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
