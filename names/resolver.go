package names

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"strata/clock"
	"strata/stack"
)

// Defaults of a ResolverConfig.
const (
	DefaultTimeout   = 2 * time.Second
	DefaultAttempts  = 2
	DefaultCacheSize = 1024
)

// maxServers bounds the servers of a resolver, and with Attempts and Timeout
// how long a lookup can last.
const maxServers = 8

// maxAliases bounds a chain of CNAMEs, which may be a circle.
const maxAliases = 8

// ResolverConfig says whom a resolver asks, and how.
type ResolverConfig struct {
	// Dial connects to a server, on network "udp" or "tcp": the DialContext of
	// a udp.Dialer and of a tcp.Dialer, or that of a net.Dialer. It must be set.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Servers are asked in this order, each where those before it failed; one
	// at least, eight at most.
	Servers []netip.AddrPort

	Loop clock.Loop // the clock of timeouts and of the cache; nil is real time
	Rand io.Reader  // the queries' ids; nil is clock.Rand

	Timeout  time.Duration // of one question to one server; 0 is DefaultTimeout
	Attempts int           // how often each server is asked; 0 is DefaultAttempts

	// CacheSize bounds the answers that are kept for the time their servers
	// allow; 0 is DefaultCacheSize, below 0 is none.
	CacheSize int
}

// Resolver asks name servers that resolve for others (RFC 1034 §5.3.1: a stub).
// It may be used from any goroutine. A name is taken as it is: no domain is
// searched.
type Resolver struct {
	config ResolverConfig
	cache  *cache // nil: none

	mu sync.Mutex // of config.Rand
}

var _ stack.Resolver = (*Resolver)(nil)

// NewResolver makes a resolver. It has no goroutine and no connection but
// during lookups.
func NewResolver(c ResolverConfig) (*Resolver, error) {
	switch {
	case c.Dial == nil:
		return nil, errors.New("resolver: no Dial function was given")
	case len(c.Servers) == 0 || len(c.Servers) > maxServers:
		return nil, fmt.Errorf("resolver: %d servers were given; 1 to %d are possible", len(c.Servers), maxServers)
	}
	for _, server := range c.Servers {
		if !server.IsValid() {
			return nil, fmt.Errorf("resolver: the server %v is not an address and port", server)
		}
	}
	c.Servers = slices.Clone(c.Servers)
	if c.Loop == nil {
		c.Loop = clock.Real()
	}
	if c.Rand == nil {
		c.Rand = clock.Rand()
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Attempts <= 0 {
		c.Attempts = DefaultAttempts
	}
	if c.CacheSize == 0 {
		c.CacheSize = DefaultCacheSize
	}
	r := &Resolver{config: c}
	if c.CacheSize > 0 {
		r.cache = newCache(c.CacheSize)
	}
	return r, nil
}

// LookupNetIP implements stack.Resolver, as net.Resolver does: network is "ip",
// "ip4" or "ip6"; an address is answered with itself. Of both families IPv6
// comes first; where only one of the two could be asked for, it has to do. An
// error is a *net.DNSError.
func (r *Resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	want, err := wanted(network)
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return literal(a, host, want)
	}
	name, err := canonical(host)
	if err != nil {
		return nil, notFound(host, "") // as net: what is no name is not found
	}
	var six, four records
	var err6, err4 error = notFound(host, ""), notFound(host, "")
	switch network {
	case "ip":
		var both sync.WaitGroup
		both.Go(func() { six, err6 = r.lookup(ctx, name, dns.TypeAAAA) })
		four, err4 = r.lookup(ctx, name, dns.TypeA)
		both.Wait()
	case "ip4":
		four, err4 = r.lookup(ctx, name, dns.TypeA)
	case "ip6":
		six, err6 = r.lookup(ctx, name, dns.TypeAAAA)
	}
	addrs := append(six.addrs, four.addrs...)
	if len(addrs) > 0 {
		return addrs, nil
	}
	for _, err := range []error{err4, err6} {
		var unknown *net.DNSError
		if err != nil && !(errors.As(err, &unknown) && unknown.IsNotFound) {
			return nil, named(err, host)
		}
	}
	return nil, named(err4, host)
}

// LookupAddr gives the names of an address, each with a dot at its end, as
// net.Resolver's does.
func (r *Resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "unrecognized address", Name: addr}
	}
	name, err := dns.ReverseAddr(a.Unmap().WithZone("").String())
	if err != nil {
		return nil, &net.DNSError{Err: "unrecognized address", Name: addr}
	}
	found, err := r.lookup(ctx, strings.TrimSuffix(name, "."), dns.TypePTR)
	if err != nil {
		return nil, named(err, addr)
	}
	return slices.Clone(found.names), nil
}

// named is err with the name as the caller has written it.
func named(err error, name string) error {
	var e *net.DNSError
	if errors.As(err, &e) {
		renamed := *e
		renamed.Name = name
		return &renamed
	}
	return err
}

// records are what a lookup has found, never empty; not to be changed.
type records struct {
	addrs []netip.Addr
	names []string
}

// lookup finds the records of one type of a canonical name, by way of its
// aliases. An error is a *net.DNSError.
func (r *Resolver) lookup(ctx context.Context, name string, qtype uint16) (records, error) {
	if kept, ok := r.cache.get(question{name, qtype}, r.config.Loop.Now()); ok {
		if kept.missing {
			return records{}, notFound(name, "")
		}
		return kept.records, nil
	}
	ttl := maxTTL
	for next, aliases := name, 0; ; {
		msg, server, err := r.ask(ctx, next, qtype)
		if err != nil {
			return records{}, err
		}
		a := read(msg, next, qtype)
		ttl = min(ttl, a.ttl)
		aliases += a.aliases
		switch {
		case a.found():
			r.cache.put(question{name, qtype}, entry{records: a.records, expires: r.config.Loop.Now().Add(ttl)})
			return a.records, nil
		case aliases >= maxAliases:
			return records{}, &net.DNSError{Err: fmt.Sprintf("more than %d aliases, or a circle of them", maxAliases), Name: name, Server: server}
		case a.owner == next || msg.Rcode == dns.RcodeNameError:
			if a.negative {
				r.cache.put(question{name, qtype}, entry{missing: true, expires: r.config.Loop.Now().Add(ttl)})
			}
			return records{}, notFound(name, server)
		}
		next = a.owner // an alias whose records the server did not add
	}
}
