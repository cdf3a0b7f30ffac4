package netnstests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What cannot be done ends with status 1, one line that names what was wrong,
// and nothing left behind.
func TestErrors(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	for _, tt := range []struct {
		name string
		args string
		want string // the line contains it
	}{
		{"unknown namespace", "--netns strata-nowhere", "strata-nowhere"},
		{"namespace by a path that is none", "--netns /etc/hostname", "/etc/hostname"},
		{"no prefix", "--addr banana", "banana"},
		{"a prefix too long", "--addr 10.77.0.2/33", "10.77.0.2/33"},
		{"no prefix of the peer", "--peer 10.77.0.1", "10.77.0.1"},
		{"half of an IPv6 pair", "--addr6= --peer6 fd77::1/64", "--addr6"},
		{"MTU below IPv4's least", "--mtu 67", "67"}, // RFC 791 §3.2: 68
		{"MTU above TUN's", "--mtu 65536", "65536"},
		{"MTU above TAP's", "--tap --mtu 65522", "65522"},
		{"MTU that is no number", "--mtu large", "large"},
		{"port", "--port 70000", "70000"},
		{"no port", "--port 0", "--port 0: must be above 0"},
		{"offload", "--offload maybe", "maybe"},
		{"device name too long", "--tun a-name-of-16-char", "a-name-of-16-char"},
		{"capture that cannot be written", "--pcap /nowhere/at/all.pcapng", "/nowhere/at/all.pcapng"},
		{"unknown flag", "--frobnicate", "--frobnicate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			args := append([]string{"serve", "--netns", ns.name}, strings.Fields(tt.args)...)
			requireRefused(t, exec.Command(strata, args...), tt.want)
			ns.requireBare(t)
		})
	}
}

// What is wrong with a command line is said in a line, with what would be right.
func TestWrongCommandLines(t *testing.T) {
	for args, want := range map[string]string{
		"sirve":                                  "did you mean serve?",
		"lab bulc":                               "there are handshake, bulk",
		"lab run":                                "strata lab init",
		"lab run x.yaml --seed 0":                "--seed 0: must be above 0",
		"lab bulk --seeds 0":                     "--seeds 0: must be above 0",
		"lab bulk --workers -3":                  "--workers -3: must be above 0",
		"lab bulk --timeout 0s":                  "--timeout 0s: must be above 0",
		"lab bulk --page /nowhere/at/all.html":   "--page /nowhere/at/all.html",
		"lab bulk --pcap /nowhere/at/all.pcapng": "--pcap /nowhere/at/all.pcapng",
	} {
		t.Run(args, func(t *testing.T) {
			requireRefused(t, exec.Command(strata, strings.Fields(args)...), want)
		})
	}
}

// Two servers cannot have the same device, nor the same addresses; the first
// does not notice that a second tried.
func TestAddressInUse(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"))
	ns := newNamespace(t)
	first := serve(t, ns)
	before := ns.devices(t)
	for _, tt := range []struct {
		name, args, want string
	}{
		{"the same device", "--addr 10.78.0.2/24 --peer 10.78.0.1/24", "strata0"},
		{"the same addresses", "--tun strata1", "10.77.0."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"serve", "--netns", ns.name}, strings.Fields(tt.args)...)
			capture := filepath.Join(t.TempDir(), "earlier.pcapng")
			require.NoError(t, os.WriteFile(capture, []byte("precious"), 0o600))
			requireRefused(t, exec.Command(strata, append(args, "--pcap", capture)...), tt.want)
			kept, err := os.ReadFile(capture)
			require.NoError(t, err)
			require.Equal(t, "precious", string(kept), "a capture of another run")
			require.Equal(t, before, ns.devices(t), "the devices and addresses are as they were")
			require.Contains(t, first.curl(t, first.url()), "messages")
		})
	}
	first.stop(t)
}

// Without the right to open the device, or without the device, it says what to
// do: in one line.
func TestNoPermission(t *testing.T) {
	need(t, root, tunDevice, userNamespaces)
	t.Run("not allowed", func(t *testing.T) {
		requireRefused(t, asNobody(0o600, strata, "serve"), "/dev/net/tun")
	})
	t.Run("not there", func(t *testing.T) {
		requireRefused(t, asNobody(0, strata, "serve"), "/dev/net/tun")
	})
	t.Run("root, not there", func(t *testing.T) {
		requireRefused(t, withDevNet(0, strata, "serve"), "/dev/net/tun")
	})
	t.Run("a namespace of somebody else", func(t *testing.T) {
		ns := newNamespace(t)
		requireRefused(t, asNobody(0o666, strata, "serve", "--netns", ns.name), ns.name)
		ns.requireBare(t)
	})
}

// requireRefused runs a command that must fail for a reason that a person
// understands.
func requireRefused(t *testing.T, cmd *exec.Cmd, want string) {
	t.Helper()
	p := start(t, cmd)
	require.Equal(t, 1, p.exit(t), "exit status; standard error: %s", p.stderr.tail())
	require.Empty(t, p.stdout.String(), "on standard output")
	require.Equal(t, 1, strings.Count(p.stderr.String(), "\n"), "one line:\n%s", p.stderr.String())
	require.Contains(t, p.stderr.String(), want)
}
