package inside

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"strata/tun/netconf"
)

// killAfter is how long a command may take to end when it is told to.
const killAfter = 5 * time.Second

// Run runs the command in the network namespace netns (a name under /run/netns,
// or a path; empty: this one), with our standard input and output; what it gives
// arrives once. When ctx ends the command gets a SIGTERM, and five seconds later
// it is killed; on Linux it is also killed when our process ends in whatever way.
// Its own children are its own matter.
//
// Who ends ctx calls wait before the process ends: it returns when the command
// has ended, or a second after it was killed. Without a command nothing ever
// arrives, and there is nothing to wait for.
func Run(ctx context.Context, netns string, command []string) (done <-chan error, wait func()) {
	return run(ctx, netns, command, killAfter)
}

func run(ctx context.Context, netns string, command []string, killAfter time.Duration) (done <-chan error, wait func()) {
	if len(command) == 0 {
		return nil, func() {}
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	cmd.SysProcAttr = dieWithUs()
	result, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		// A process is born in the namespace of the thread that starts it, and
		// what it is told of our death is that thread's: so the thread stays as
		// long as the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		result <- netconf.InNamespace(netns, cmd.Run)
	}()
	return result, func() {
		<-ctx.Done()
		late := time.NewTimer(killAfter + time.Second)
		defer late.Stop()
		select {
		case <-ended:
		case <-late.C: // not even SIGKILL ends what the kernel does not let go
		}
	}
}
