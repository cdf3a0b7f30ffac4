package experiment

import (
	"fmt"
	"os"
	"os/signal"
	"testing"

	"strata/lab"
	"strata/lab/sweep"
)

// Worker is a worker process: it takes jobs on standard input and gives answers on
// standard output, until the input ends. It does not return. Ctrl-C on a terminal
// is for the process that started it.
func Worker() {
	signal.Ignore(os.Interrupt)
	in, out := os.Stdin, os.Stdout
	os.Stdout = os.Stderr // what a test prints is no answer
	lab.Main(func(t *testing.T) {
		if err := sweep.Serve(t, in, out, Explain); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	})
}
