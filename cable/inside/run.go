package inside

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"

	"strata/tun/netconf"
)

// killAfter is how long a command may take to end when it is told to.
const killAfter = 5 * time.Second

// Run runs the command in the network namespace netns (a name under /run/netns,
// or a path; empty: this one), with our standard input and output; what it gives
// arrives once. Without a command nothing ever arrives. When ctx ends the command
// gets a SIGTERM, and five seconds later it is killed.
func Run(ctx context.Context, netns string, command []string) <-chan error {
	if len(command) == 0 {
		return nil
	}
	done := make(chan error, 1)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	// A process is born in the namespace of the thread that starts it.
	if err := netconf.InNamespace(netns, cmd.Start); err != nil {
		done <- err
		return done
	}
	go func() { done <- cmd.Wait() }()
	return done
}
