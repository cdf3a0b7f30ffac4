package serve

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

// runCommand runs the command in the kernel's namespace, with our standard
// input and output; what it gives arrives once. Without a command nothing ever
// arrives.
func runCommand(ctx context.Context, c *Config) <-chan error {
	if len(c.Command) == 0 {
		return nil
	}
	done := make(chan error, 1)
	cmd := exec.CommandContext(ctx, c.Command[0], c.Command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	// A process is born in the namespace of the thread that starts it.
	if err := netconf.InNamespace(c.Netns, cmd.Start); err != nil {
		done <- err
		return done
	}
	go func() { done <- cmd.Wait() }()
	return done
}
