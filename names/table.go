package names

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"strata/stack"
)

// maxAddrs bounds the addresses of one name, so that they fit into one message.
const maxAddrs = 256

// Table is a host table. Its zero value is empty and ready for use, from any
// number of goroutines.
//
// Case does not matter, nor a dot at a name's end. A name whose first label is
// "*" stands for every name below its parent that the table does not know
// better (RFC 4592): with *.strata.test and a.strata.test in it, b.strata.test
// and c.b.strata.test are covered, a.strata.test and c.a.strata.test are not.
type Table struct {
	mu      sync.RWMutex
	root    node
	reverse map[netip.Addr][]string // in the order they were added; no wildcards
	version uint32                  // counts changes
}

var _ stack.Resolver = (*Table)(nil)

// node is a name of the tree: its children have one label more.
type node struct {
	children map[string]*node
	addrs    []netip.Addr // replaced, never changed
}

// Add gives a name more addresses; those it has already are passed over. The
// error is for what is no name, or no address that can stand in one.
func (t *Table) Add(name string, addrs ...netip.Addr) error {
	return t.change(name, func(old []netip.Addr) []netip.Addr { return append(slices.Clone(old), addrs...) })
}

// Set gives a name these addresses and no others; none takes the name away.
func (t *Table) Set(name string, addrs ...netip.Addr) error {
	return t.change(name, func([]netip.Addr) []netip.Addr { return slices.Clone(addrs) })
}

// Remove takes a name away, if it is there.
func (t *Table) Remove(name string) {
	_ = t.Set(name) // fails for what is no name: that is not there
}

// change replaces the addresses of a name by those that f makes of them.
func (t *Table) change(name string, f func([]netip.Addr) []netip.Addr) error {
	fail := func(why any) error { return fmt.Errorf("host table: %q: %v", name, why) }
	key, err := canonical(name)
	if err != nil {
		return fail(err)
	}
	wild := key == "*" || strings.HasPrefix(key, "*.")
	if strings.Contains(strings.TrimPrefix(key, "*"), "*") || strings.HasPrefix(key, "*") && !wild {
		return fail(`"*" can only be the whole first label`)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old, _ := t.walk(key, false)
	addrs := f(old)
	for i, a := range addrs {
		if !a.IsValid() || a.Zone() != "" {
			return fail(fmt.Sprintf("the address %v cannot stand in a host table", a))
		}
		addrs[i] = a.Unmap()
	}
	addrs = unique(addrs)
	if len(addrs) > maxAddrs {
		return fail(fmt.Sprintf("it would have %d addresses; at most %d", len(addrs), maxAddrs))
	}
	t.version++
	t.root.put(key, addrs)
	if wild {
		return nil
	}
	for _, a := range old {
		if !slices.Contains(addrs, a) {
			t.reverse[a] = slices.DeleteFunc(slices.Clone(t.reverse[a]), func(n string) bool { return n == key })
			if len(t.reverse[a]) == 0 {
				delete(t.reverse, a)
			}
		}
	}
	if t.reverse == nil {
		t.reverse = map[netip.Addr][]string{}
	}
	for _, a := range addrs {
		if !slices.Contains(old, a) {
			t.reverse[a] = append(slices.Clone(t.reverse[a]), key)
		}
	}
	return nil
}

// unique is addrs, each where it stands first.
func unique(addrs []netip.Addr) []netip.Addr {
	seen := map[netip.Addr]bool{}
	return slices.DeleteFunc(addrs, func(a netip.Addr) bool {
		again := seen[a]
		seen[a] = true
		return again
	})
}

// put sets the addresses of the name below n. Where none are left, nodes that
// lead nowhere go too: whether one exists decides what a wildcard covers.
func (n *node) put(name string, addrs []netip.Addr) {
	if name == "" {
		n.addrs = addrs
		return
	}
	rest, label := cutLabel(name)
	child := n.children[label]
	if child == nil {
		if len(addrs) == 0 {
			return
		}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		child = &node{}
		n.children[label] = child
	}
	child.put(rest, addrs)
	if len(child.addrs) == 0 && len(child.children) == 0 {
		delete(n.children, label)
	}
}

// walk finds a canonical name, or the wildcard that covers it if wild. A name
// that has no addresses of its own exists if there are names below it.
func (t *Table) walk(name string, wild bool) (addrs []netip.Addr, exists bool) {
	n := &t.root
	for name != "" {
		rest, label := cutLabel(name)
		child := n.children[label]
		if child == nil {
			// n is the closest encloser: only its own wildcard counts
			// (RFC 4592 §3.3.1).
			if child = n.children["*"]; child == nil || !wild {
				return nil, false
			}
			rest = ""
		}
		n, name = child, rest
	}
	return n.addrs, true
}

// find is walk with the wildcards.
func (t *Table) find(name string) (addrs []netip.Addr, exists bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.walk(name, true)
}

// namesOf are the names of an address, to be read only.
func (t *Table) namesOf(a netip.Addr) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.reverse[a]
}

// changes counts the changes so far.
func (t *Table) changes() uint32 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.version
}

// Lookup gives the addresses of a name in the order they were added, and
// whether the name exists: one that only has names below it exists without
// addresses.
func (t *Table) Lookup(name string) (addrs []netip.Addr, exists bool) {
	key, err := canonical(name)
	if err != nil {
		return nil, false
	}
	addrs, exists = t.find(key)
	return slices.Clone(addrs), exists
}

// Names gives the names of an address, in lower case, without wildcards and
// without a dot at the end, in the order they were added.
func (t *Table) Names(addr netip.Addr) []string {
	return slices.Clone(t.namesOf(addr.Unmap().WithZone("")))
}

// LookupNetIP implements stack.Resolver, as net.Resolver does: network is "ip",
// "ip4" or "ip6"; an address is answered with itself. The context is not looked
// at: nothing waits.
func (t *Table) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	want, err := wanted(network)
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return literal(a, host, want)
	}
	addrs, _ := t.Lookup(host)
	addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !want(a) })
	if len(addrs) == 0 {
		return nil, notFound(host, "")
	}
	return addrs, nil
}

// LookupAddr gives the names of an address, each with a dot at its end, as
// net.Resolver's does.
func (t *Table) LookupAddr(_ context.Context, addr string) ([]string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "unrecognized address", Name: addr}
	}
	found := t.Names(a)
	if len(found) == 0 {
		return nil, notFound(addr, "")
	}
	for i := range found {
		found[i] += "."
	}
	return found, nil
}
