package names_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"strata/names"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	one  = netip.MustParseAddr("10.77.0.1")
	two  = netip.MustParseAddr("10.77.0.2")
	two6 = netip.MustParseAddr("fd77::2")
)

func lookup(t *testing.T, table *names.Table, network, host string) []netip.Addr {
	t.Helper()
	addrs, err := table.LookupNetIP(t.Context(), network, host)
	if err != nil {
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns)
		require.True(t, dns.IsNotFound)
		require.Equal(t, host, dns.Name)
		require.Empty(t, addrs)
	}
	return addrs
}

func TestTable(t *testing.T) {
	var table names.Table
	require.Empty(t, lookup(t, &table, "ip", "strata.test"), "an empty table knows nothing")
	require.NoError(t, table.Add("Strata.Test.", two))
	require.NoError(t, table.Add("strata.test", two6, netip.MustParseAddr("::ffff:10.77.0.2")))

	// However it is written, it is the same name, and the same address.
	for _, name := range []string{"strata.test", "STRATA.test", "strata.test."} {
		require.Equal(t, []netip.Addr{two, two6}, lookup(t, &table, "ip", name))
	}
	require.Equal(t, []netip.Addr{two}, lookup(t, &table, "ip4", "strata.test"))
	require.Equal(t, []netip.Addr{two6}, lookup(t, &table, "ip6", "strata.test"))
	for _, name := range []string{"test", "a.strata.test", "xstrata.test", "", ".", "a..b", "wörld.test"} {
		require.Empty(t, lookup(t, &table, "ip", name), name)
	}

	// An address is answered with itself.
	require.Equal(t, []netip.Addr{one}, lookup(t, &table, "ip", "10.77.0.1"))
	require.Equal(t, []netip.Addr{one}, lookup(t, &table, "ip4", "::ffff:10.77.0.1"))
	require.Equal(t, []netip.Addr{netip.MustParseAddr("fe80::1%2")}, lookup(t, &table, "ip6", "fe80::1%2"))
	require.Empty(t, lookup(t, &table, "ip6", "10.77.0.1"))

	_, err := table.LookupNetIP(t.Context(), "tcp", "strata.test")
	require.Equal(t, net.UnknownNetworkError("tcp"), err)

	require.NoError(t, table.Set("strata.test", one))
	require.Equal(t, []netip.Addr{one}, lookup(t, &table, "ip", "strata.test"))
	table.Remove("STRATA.TEST")
	table.Remove("never.was.there")
	require.Empty(t, lookup(t, &table, "ip", "strata.test"))
}

// RFC 4592: a wildcard covers what its parent is the closest encloser of, and
// nothing below a name that exists.
func TestWildcards(t *testing.T) {
	var table names.Table
	require.NoError(t, table.Add("*.strata.test", one))
	require.NoError(t, table.Add("www.strata.test", two))
	require.NoError(t, table.Add("host.empty.strata.test", two))
	for name, want := range map[string]struct {
		addr   netip.Addr
		exists bool
	}{
		"anything.strata.test":      {one, true},
		"any.thing.strata.test":     {one, true},
		"*.strata.test":             {one, true},
		"www.strata.test":           {two, true},
		"a.www.strata.test":         {},             // www exists, and has no wildcard
		"host.empty.strata.test":    {two, true},    // as it stands in the table
		"empty.strata.test":         {exists: true}, // exists because of it, without an address
		"other.empty.strata.test":   {},             // so this one is not covered
		"strata.test":               {exists: true},
		"test":                      {exists: true},
		"elsewhere.test":            {},
		"strata.test.elsewhere.com": {},
	} {
		addrs, exists := table.Lookup(name)
		require.Equal(t, want.exists, exists, name)
		if want.addr.IsValid() {
			require.Equal(t, []netip.Addr{want.addr}, addrs, name)
		} else {
			require.Empty(t, addrs, name)
		}
	}
	// When the name that stood in its way is gone, the wildcard covers it.
	table.Remove("host.empty.strata.test")
	addrs, _ := table.Lookup("other.empty.strata.test")
	require.Equal(t, []netip.Addr{one}, addrs)
}

func TestReverse(t *testing.T) {
	var table names.Table
	require.NoError(t, table.Add("*.strata.test", two))
	require.NoError(t, table.Add("Strata.test", two, two6))
	require.NoError(t, table.Add("www.strata.test", two))
	require.Equal(t, []string{"strata.test", "www.strata.test"}, table.Names(two), "a wildcard is nobody's name")
	require.Equal(t, []string{"strata.test", "www.strata.test"}, table.Names(netip.MustParseAddr("::ffff:10.77.0.2")))

	found, err := table.LookupAddr(t.Context(), "fd77::2")
	require.NoError(t, err)
	require.Equal(t, []string{"strata.test."}, found)
	_, err = table.LookupAddr(t.Context(), "10.77.0.9")
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
	require.True(t, dns.IsNotFound)
	_, err = table.LookupAddr(t.Context(), "strata.test")
	require.ErrorAs(t, err, &dns)
	require.False(t, dns.IsNotFound)

	require.NoError(t, table.Set("strata.test", two6))
	require.Equal(t, []string{"www.strata.test"}, table.Names(two))
	table.Remove("www.strata.test")
	require.Empty(t, table.Names(two))
}

func TestTableRefuses(t *testing.T) {
	var table names.Table
	long := strings.Repeat("a", 64)
	for name, why := range map[string]string{
		"":                             "it is empty",
		".":                            "it is empty",
		"a..b":                         "a label of it is empty",
		".a":                           "a label of it is empty",
		long + ".test":                 "a label of it is longer than 63 characters",
		strings.Repeat("abcdefg.", 32): "it is longer than 253 characters",
		"strata test":                  `it contains ' '`,
		`strata\.test`:                 `it contains '\\'`,
		"wörld.test":                   "it is not ASCII; give its xn-- form",
		"a.*.test":                     `"*" can only be the whole first label`,
		"a*.test":                      `"*" can only be the whole first label`,
		"*a.test":                      `"*" can only be the whole first label`,
	} {
		require.EqualError(t, table.Add(name, one), fmt.Sprintf("host table: %q: %s", name, why))
	}
	require.EqualError(t, table.Add("a.test", netip.Addr{}), `host table: "a.test": the address invalid IP cannot stand in a host table`)
	require.EqualError(t, table.Add("a.test", netip.MustParseAddr("fe80::1%2")), `host table: "a.test": the address fe80::1%2 cannot stand in a host table`)

	many := make([]netip.Addr, 0, 257)
	for a := one; len(many) < 257; a = a.Next() {
		many = append(many, a)
	}
	require.NoError(t, table.Add("a.test", many[:256]...))
	require.EqualError(t, table.Add("a.test", many...), `host table: "a.test": it would have 257 addresses; at most 256`)
	require.Len(t, lookup(t, &table, "ip", "a.test"), 256, "what was refused changed nothing")
	require.Empty(t, table.Names(many[256]))
}

// Readers and writers at once: the race detector is the judge, and in the end
// the table is what it was.
func TestTableConcurrently(t *testing.T) {
	var table names.Table
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := fmt.Sprintf("h%d.strata.test", i)
			for range 100 {
				if err := table.Add(name, one, two); err != nil {
					t.Error(err)
				}
				if addrs, _ := table.Lookup(name); len(addrs) != 2 {
					t.Errorf("%s has %v", name, addrs)
				}
				table.Names(one)
				table.Remove(name)
			}
		})
	}
	all.Wait()
	require.Empty(t, table.Names(one))
	_, exists := table.Lookup("test")
	require.False(t, exists, "no node is left of the tree")
}
