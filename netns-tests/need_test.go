package netnstests

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// A requirement is something a test cannot do without. It says what is missing
// and what to do, or nothing.
type requirement func() string

// need skips the test when something it needs is missing; where CI is set
// nothing may be missing, and it fails.
func need(t testing.TB, requirements ...requirement) {
	t.Helper()
	for _, missing := range requirements {
		reason := missing()
		switch {
		case reason == "":
		case os.Getenv("CI") != "":
			t.Fatal(reason)
		default:
			t.Skip(reason)
		}
	}
}

// root is needed to make network namespaces.
func root() string {
	if os.Geteuid() != 0 {
		return "needs root, to make network namespaces"
	}
	return ""
}

// tunDevice is needed by everything that opens a TUN or TAP device.
func tunDevice() string {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Sprintf("needs /dev/net/tun: %v (as root: modprobe tun)", err)
	}
	f.Close()
	return ""
}

// program is one that netns-tests/setup.sh installs.
func program(names ...string) requirement {
	return func() string {
		for _, name := range names {
			if _, err := exec.LookPath(name); err != nil {
				return fmt.Sprintf("needs %s: run netns-tests/setup.sh as root", name)
			}
		}
		return ""
	}
}

// npm is needed by the JavaScript clients.
func npm() string {
	if reason := program("node")(); reason != "" {
		return reason
	}
	if _, err := os.Stat("node/node_modules/socket.io-client"); err != nil {
		return "needs the npm packages in netns-tests/node: run netns-tests/setup.sh"
	}
	return ""
}

// userNamespaces are needed by strata serve without privilege.
func userNamespaces() string {
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--net", "true")
	if os.Geteuid() == 0 {
		cmd = asNobody(0o666, cmd.Args...)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Sprintf("needs user namespaces without privilege: %v %s", err, out)
	}
	return ""
}
