package names

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// An address and its reverse name are one; miekg/dns, which can only go one of
// the two ways, agrees.
func FuzzReverse(f *testing.F) {
	for _, name := range []string{
		"2.0.77.10.in-addr.arpa", "02.0.77.10.in-addr.arpa", "256.0.0.1.in-addr.arpa", "1.2.3.in-addr.arpa", "+1.2.3.4.in-addr.arpa",
		"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa",
		"22.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa",
		"g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa",
		".in-addr.arpa", ".ip6.arpa", "in-addr.arpa", "",
	} {
		f.Add(name, []byte{10, 77, 0, 2})
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		if addr, ok := parseReverse(name); ok {
			back, err := dns.ReverseAddr(addr.String())
			require.NoError(t, err)
			if !addr.Is4In6() { // which miekg/dns takes for IPv4
				require.Equal(t, name+".", back)
			}
		}
		if addr, ok := netip.AddrFromSlice(raw); ok && !addr.Is4In6() {
			there, err := dns.ReverseAddr(addr.String())
			require.NoError(t, err)
			back, ok := parseReverse(strings.TrimSuffix(there, "."))
			require.True(t, ok)
			require.Equal(t, addr, back)
		}
	})
}

// Whatever name a table takes, it finds again, and so does the world: it packs
// into a message.
func FuzzTableName(f *testing.F) {
	for _, name := range []string{"strata.test", "*.strata.test", "A.b.C.", `a\.b`, "a b", "*", "*.*", "-", "_x.y", strings.Repeat("a.", 126) + "a"} {
		f.Add(name)
	}
	addr := netip.MustParseAddr("10.77.0.2")
	f.Fuzz(func(t *testing.T, name string) {
		var table Table
		if table.Add(name, addr) != nil {
			_, exists := table.Lookup(name)
			require.False(t, exists)
			return
		}
		found, exists := table.Lookup(name)
		require.True(t, exists)
		require.Equal(t, []netip.Addr{addr}, found)
		query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
		_, err := query.Pack()
		require.NoError(t, err)
		table.Remove(name)
		require.Empty(t, table.root.children)
		require.Empty(t, table.reverse)
	})
}

// A label can contain a dot, which is then no dot of the name's.
func TestCutLabel(t *testing.T) {
	for name, want := range map[string][2]string{
		"a.b.test":    {"a.b", "test"},
		"test":        {"", "test"},
		`a\.b`:        {"", `a\.b`},
		`a\\.b`:       {`a\\`, "b"},
		`x.a\\\.b`:    {"x", `a\\\.b`},
		`a\.b.test`:   {`a\.b`, "test"},
		"a.":          {"a", ""},
		`\..test`:     {`\.`, "test"},
		`a\.strata`:   {"", `a\.strata`},
		`x\046.y`:     {`x\046`, "y"},
		`strata\..`:   {`strata\.`, ""},
		`a.strata\.b`: {"a", `strata\.b`},
	} {
		rest, label := cutLabel(name)
		require.Equal(t, want, [2]string{rest, label}, name)
	}
	require.True(t, inZone("strata.test", "strata.test"))
	require.True(t, inZone("a.b.strata.test", "strata.test"))
	require.False(t, inZone("xstrata.test", "strata.test"))
	require.False(t, inZone(`a\.strata.test`, "strata.test"))
	require.False(t, inZone("test", "strata.test"))
}
