// Command strata is a userspace TCP/IP host that serves WebSocket and
// Socket.IO: on a TUN or TAP device, or all in one process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"strata/serve"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signalContext()
	defer stop()
	cmd, err := root().ExecuteContextC(ctx)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exitCode(exit)
	}
	// One line, whatever the error is made of.
	fmt.Fprintln(os.Stderr, "strata: "+strings.Join(strings.Fields(err.Error()), " ")+hint(cmd, err))
	var status interface{ ExitCode() int }
	if errors.As(err, &status) {
		return status.ExitCode()
	}
	return 1
}

// exitCode is the command's own, or, where a signal ended it, what a shell
// gives.
func exitCode(e *exec.ExitError) int {
	if s, ok := e.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return e.ExitCode()
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func hint(cmd *cobra.Command, err error) string {
	var usage usageError
	if errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command") {
		return " (see " + cmd.CommandPath() + " --help)"
	}
	return ""
}

// interruptIsCommands is set while a command runs on our terminal: Ctrl-C is
// then its, as it is in a shell.
var interruptIsCommands atomic.Bool

// signalContext ends with the first SIGINT or SIGTERM; the second ends the
// process at once. Inside a namespace of our own only SIGTERM counts, and any
// number of them is one.
func signalContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if serve.InNamespace() {
		signal.Notify(signals, syscall.SIGHUP)
		go func() {
			for sig := range signals {
				if sig == syscall.SIGTERM {
					cancel()
				}
			}
		}()
		return ctx, cancel
	}
	go func() {
		for first := true; ; {
			sig := <-signals
			if sig == os.Interrupt && interruptIsCommands.Load() {
				continue
			}
			if !first {
				os.Exit(128 + int(sig.(syscall.Signal)))
			}
			first = false
			cancel()
		}
	}()
	return ctx, cancel
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "strata",
		Short: "A TCP/IP network in one program, with WebSocket and Socket.IO on top",
		Long: `Strata is a whole network in one program: a TUN/TAP device or a wire in
memory at the bottom, TCP/IP in the middle, WebSocket and Socket.IO on top,
every layer in the open.`,
		Example: `  strata demo                      one conversation through all seven layers
  sudo strata serve                a host at 10.77.0.2: curl http://10.77.0.2/
  strata serve -- curl -s http://10.77.0.2/
  sudo strata link --between blue,green --shape "delay 80ms loss 1%"
  strata lab socketio-chat --loss 0,1%,5% --delay 10ms,150ms --seeds 20 --out report/`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(serveCommand(), demoCommand(), linkCommand(), labCommand(), versionCommand())
	return cmd
}

// commandBehindDashes allows a command behind --, and nothing before it.
func commandBehindDashes(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
		return usageError{fmt.Errorf("unexpected argument %q; a command to run goes behind --", args[0])}
	}
	return nil
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		like := ""
		if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
			like = ", did you mean " + strings.Join(names, " or ") + "?"
		}
		return usageError{fmt.Errorf("unknown command or argument %q%s", args[0], like)}
	}
	return nil
}

// aboveZero refuses flags that were given as 0 or less, which would be taken for
// not given.
func aboveZero(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		f := cmd.Flags().Lookup(name)
		if value := f.Value.String(); f.Changed && (value == "0" || value == "0s" || strings.HasPrefix(value, "-")) {
			return usageError{fmt.Errorf("--%s %s: must be above 0", name, value)}
		}
	}
	return nil
}
