package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"strata/inspect"
)

// rootlessEnv tells the process inside that it is the one inside, inspectEnv that
// it was given a listener, and its token.
const (
	rootlessEnv = "STRATA_ROOTLESS"
	inspectEnv  = "STRATA_ROOTLESS_INSPECT"
)

// InNamespace reports whether this process is the one that RunInNamespace has
// started. What the terminal or a process group gets comes to both; the one
// outside decides, and passes it on as SIGTERM. So SIGINT and SIGHUP are not for
// the one inside, and a second SIGTERM says nothing new.
func InNamespace() bool { return inNamespace() }

// What a command of ours starts is not the one inside any more, though it is
// inside.
var inNamespace = sync.OnceValue(func() bool {
	is := os.Getenv(rootlessEnv) != ""
	os.Unsetenv(rootlessEnv)
	return is
})

// NeedsNamespace reports whether this process may not configure devices, and
// so has to serve in a namespace of its own.
func NeedsNamespace() bool {
	if InNamespace() {
		return false
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return os.Geteuid() != 0
	}
	return data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0
}

// RunInNamespace runs this program again, with the same arguments, in a user
// and a network namespace of its own, where it may do what strata serve needs,
// and waits for it. What it returned is an *exec.ExitError. SIGTERM, SIGHUP and,
// unless interruptIsCommands, SIGINT end it in order; it does not outlive us.
//
// inspectAt is Config.Inspect. It is listened there here, where the user's browser
// is: a socket stays in the namespace in which it was made, whoever has it.
func RunInNamespace(interruptIsCommands bool, inspectAt string) error {
	if err := deviceUsable(); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), rootlessEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		// It stays in our process group: the terminal is its as much as ours,
		// Ctrl-Z stops both, and a pipeline is not torn apart.
		Pdeathsig: syscall.SIGKILL,
	}
	if inspectAt != "" {
		socket, token, err := listenFor(inspectAt)
		if err != nil {
			return fmt.Errorf("--inspect %s: %w", inspectAt, err)
		}
		defer socket.Close()
		cmd.ExtraFiles = []*os.File{socket}
		cmd.Env = append(cmd.Env, inspectEnv+"=listener "+token)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	// The parent-death signal is about the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("a user namespace of our own: %w; run as root, or allow them (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces)", err)
		}
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			if sig != os.Interrupt || !interruptIsCommands {
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
		case err := <-ended:
			return err
		}
	}
}

// deviceUsable says early, in our own words, what would fail inside.
func deviceUsable() error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run as root, or let users open it (chmod 0666 /dev/net/tun)", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; load the module: modprobe tun", err)
	}
	return err
}

// joinHint is how another terminal enters the namespace that we made.
func joinHint() string {
	if !InNamespace() {
		return ""
	}
	return fmt.Sprintf("nsenter -t %d -U -n --preserve-credentials curl ADDRESS", os.Getpid())
}

// listenFor listens for the process inside; the file is its socket.
func listenFor(address string) (socket *os.File, token string, err error) {
	ln, token, err := inspect.Listen(address)
	if err != nil {
		return nil, "", err
	}
	defer ln.Close() // the file is a copy
	socket, err = ln.(*net.TCPListener).File()
	return socket, token, err
}

// inherited is the listener that the process outside has given us, and its token;
// nil where it has not.
func inherited() (net.Listener, string, error) {
	given := os.Getenv(inspectEnv)
	os.Unsetenv(inspectEnv) // what a command of ours starts has none
	token, ok := strings.CutPrefix(given, "listener ")
	if !ok || !InNamespace() {
		return nil, "", nil
	}
	socket := os.NewFile(3, "listener") // the first of ExtraFiles
	defer socket.Close()
	ln, err := net.FileListener(socket)
	return ln, token, err
}
