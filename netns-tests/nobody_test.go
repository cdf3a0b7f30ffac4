package netnstests

import (
	"fmt"
	"io/fs"
	"os/exec"
)

// withDevNet runs a command with a /dev/net of its own, in which the tun device
// has this mode; with mode 0 there is none. The machine's own stays as it is.
// Root only.
func withDevNet(mode fs.FileMode, args ...string) *exec.Cmd {
	prepare := "mount -t tmpfs -o mode=0755 none /dev/net"
	if mode != 0 {
		prepare += fmt.Sprintf(" && mknod -m %o /dev/net/tun c 10 200", mode)
	}
	return exec.Command("unshare", append([]string{"--mount", "sh", "-c", prepare + ` && cd / && exec "$@"`, "sh"}, args...)...)
}

// asNobody is withDevNet for an ordinary user: nobody, without any privilege.
func asNobody(mode fs.FileMode, args ...string) *exec.Cmd {
	setpriv := []string{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--"}
	return withDevNet(mode, append(setpriv, args...)...)
}
