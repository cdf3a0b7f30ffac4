package names_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/names"
)

// dig asks the server at the given address and gives what it prints.
func dig(t *testing.T, at netip.AddrPort, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("dig")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("dig is missing: install bind9-dnsutils")
		}
		t.Skip("dig is missing (bind9-dnsutils)")
	}
	base := []string{"-r", "@" + at.Addr().String(), "-p", fmt.Sprint(at.Port()), "+time=5", "+tries=2", "+nocookie"}
	out, err := exec.CommandContext(t.Context(), path, append(base, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// What everybody's client makes of our answers, on a kernel's sockets: dig
// complains of what is malformed.
func TestDig(t *testing.T) {
	pc, l := kernelSockets(t)
	serve(t, names.ServerConfig{}, pc, l)
	at := pc.LocalAddr().(*net.UDPAddr).AddrPort()

	for _, c := range []struct{ args, want string }{
		{"strata.test A", "10.77.0.2"},
		{"StRaTa.TeSt AAAA", "fd77::2"},
		{"any.thing.strata.test A", "10.77.0.2"},
		{"+tcp strata.test A", "10.77.0.2"},
		{"+noedns strata.test A", "10.77.0.2"},
		{"+dnssec +padding=128 strata.test A", "10.77.0.2"},
		{"-x 10.77.0.2", "strata.test."},
		{"-x fd77::2", "strata.test."},
		{"strata.test NS", "strata.test."},
		{"four.strata.test AAAA", ""},
	} {
		got := dig(t, at, append([]string{"+short"}, strings.Fields(c.args)...)...)
		require.Equal(t, c.want, strings.TrimSpace(got), c.args)
	}

	for _, c := range []struct {
		args string
		want []string
	}{
		{"strata.test A", []string{"status: NOERROR", "flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1", "EDNS: version: 0, flags:; udp: 1232", "60\tIN\tA\t10.77.0.2"}},
		{"four.strata.test AAAA", []string{"status: NOERROR", "ANSWER: 0, AUTHORITY: 1", "strata.test.\t\t60\tIN\tSOA\tstrata.test. hostmaster.strata.test."}},
		{"a.four.strata.test", []string{"status: NXDOMAIN", "ANSWER: 0, AUTHORITY: 1"}},
		{"example.com", []string{"status: REFUSED", "ANSWER: 0, AUTHORITY: 0"}},
		{"-c CH version.bind TXT", []string{"status: REFUSED"}},
		{"+notcp +noedns strata.test ANY", []string{"status: NOERROR", `HINFO	"RFC8482" ""`}},
		{"+edns=1 +noednsneg strata.test", []string{"status: BADVERS"}},
		{"+opcode=UPDATE strata.test", []string{"status: NOTIMP"}},
		{"+header-only", []string{"status: FORMERR"}},
		{"+ignore many.strata.test", []string{"flags: qr aa tc rd;"}},
		{"+bufsize=4096 many.strata.test", []string{"Truncated, retrying in TCP mode", "ANSWER: 200", "(TCP)"}},
		{"strata.test AXFR", []string{"Transfer failed"}},
	} {
		got := dig(t, at, strings.Fields(c.args)...)
		for _, want := range c.want {
			require.Contains(t, got, want, c.args)
		}
		for _, bad := range []string{"WARNING: Message parser", "malformed", "MALFORMED", "Mismatched", "mismatch", "extra bytes"} {
			require.NotContains(t, got, bad, c.args)
		}
	}
}

// The standard library's own stub resolver is content as well.
func TestGoResolver(t *testing.T) {
	pc, l := kernelSockets(t)
	serve(t, names.ServerConfig{}, pc, l)
	r := &net.Resolver{PreferGo: true, Dial: kernelDial(pc.LocalAddr().String())}
	addrs, err := r.LookupNetIP(t.Context(), "ip4", "www.strata.test.")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{two}, addrs)
	addrs, err = r.LookupNetIP(t.Context(), "ip4", "many.strata.test.")
	require.NoError(t, err)
	require.Len(t, addrs, 200)
	found, err := r.LookupAddr(t.Context(), "10.77.0.2")
	require.NoError(t, err)
	require.Equal(t, []string{"strata.test."}, found)
	_, err = r.LookupNetIP(t.Context(), "ip4", "a.four.strata.test.")
	require.True(t, requireDNS(t, err).IsNotFound)
}
