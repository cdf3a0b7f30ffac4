package netnstests

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A namespace is a network namespace with a name, made for one test. Nothing
// but what the test puts there can be reached from it.
type namespace struct{ name string }

var namespaces atomic.Int32

// newNamespace makes one whose loopback is up, and removes it with the test,
// with what still runs in it.
func newNamespace(t testing.TB) *namespace {
	t.Helper()
	ns := &namespace{fmt.Sprintf("strata-test-%d-%d", os.Getpid(), namespaces.Add(1))}
	ipCommand(t, "netns", "add", ns.name)
	t.Cleanup(func() {
		if err := removeNamespace(ns.name); err != nil {
			t.Errorf("remove namespace %s: %v", ns.name, err)
		}
	})
	ipCommand(t, "-n", ns.name, "link", "set", "lo", "up")
	return ns
}

// removeNamespace removes it, with what runs in it.
func removeNamespace(name string) error {
	pids, _ := exec.Command("ip", "netns", "pids", name).Output()
	for _, field := range strings.Fields(string(pids)) {
		if pid, err := strconv.Atoi(field); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	os.RemoveAll(filepath.Join("/etc/netns", name))
	if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// removeOrphanedNamespaces removes those of test runs that were killed: the
// process that is part of their name is gone.
func removeOrphanedNamespaces() {
	if os.Geteuid() != 0 {
		return
	}
	paths, _ := filepath.Glob("/run/netns/strata-test-*-*")
	for _, path := range paths {
		name := filepath.Base(path)
		pid, err := strconv.Atoi(strings.Split(name, "-")[2])
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			removeNamespace(name)
		}
	}
}

// command runs inside the namespace.
func (ns *namespace) command(args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", ns.name}, args...)...)
}

// resolve lets what runs in the namespace ask this server for names.
func (ns *namespace) resolve(t testing.TB, server string) {
	t.Helper()
	// "ip netns exec" binds the files of this folder over those of /etc.
	dir := filepath.Join("/etc/netns", ns.name)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+server+"\n"), 0o644))
}

// A device is a network device with its addresses.
type device struct {
	Name      string `json:"ifname"`
	MTU       int    `json:"mtu"`
	Addresses []struct {
		Local     string `json:"local"`
		PrefixLen int    `json:"prefixlen"`
	} `json:"addr_info"`
}

// prefixes are the device's addresses, like "10.77.0.1/24".
func (d device) prefixes() []string {
	var out []string
	for _, a := range d.Addresses {
		out = append(out, fmt.Sprintf("%s/%d", a.Local, a.PrefixLen))
	}
	return out
}

// devices are those in the namespace, lo first.
func (ns *namespace) devices(t testing.TB) []device {
	t.Helper()
	var out []device
	require.NoError(t, json.Unmarshal([]byte(ipCommand(t, "-n", ns.name, "-json", "address")), &out))
	return out
}

// device is the one of this name; the test fails without it.
func (ns *namespace) device(t testing.TB, name string) device {
	t.Helper()
	for _, d := range ns.devices(t) {
		if d.Name == name {
			return d
		}
	}
	require.Failf(t, "no such device", "%s is not in %s", name, ns.name)
	return device{}
}

// requireBare checks that nothing was left in the namespace.
func (ns *namespace) requireBare(t testing.TB) {
	t.Helper()
	for _, d := range ns.devices(t) {
		require.Equal(t, "lo", d.Name, "a device was left behind: %+v", d)
		require.Equal(t, []string{"127.0.0.1/8", "::1/128"}, d.prefixes(), "an address was left on lo")
	}
}

func ipCommand(t testing.TB, args ...string) string {
	t.Helper()
	return output(t, exec.Command("ip", args...))
}
