// Package leak fails the tests of a package that leave goroutines behind.
//
//	func TestMain(m *testing.M) { leak.Main(m) }
package leak

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests. What net/http keeps for its next request to a server is
// nobody's.
func Main(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

type tests struct{ m *testing.M }

func (t tests) Run() int {
	code := t.m.Run()
	http.DefaultClient.CloseIdleConnections()
	return code
}
