package lab

import (
	"flag"
	"os"
	"testing"
)

// Main runs f as go test runs a test, in a program that is none, so that it can
// use Run: what an experiment from the command line is made of. It does not
// return; the program ends with status 0 or, where the test failed, 1, and the
// log of the test on standard output.
//
// Nothing of the command line is left to be parsed when f runs: read flags
// before. Keys that TLS draws are decided by the seed only with the
// configurations of [World.TLSConfig].
func Main(f func(t *testing.T)) {
	flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	os.Args = os.Args[:1]
	testing.Init()
	everything := func(_, _ string) (bool, error) { return true, nil }
	testing.Main(everything, []testing.InternalTest{{Name: "world", F: f}}, nil, nil)
}
