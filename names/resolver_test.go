package names_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"strata/names"
	"strata/stack"
)

// script is what a server does with a query over "udp" or "tcp": send these
// messages, one after the other.
type script func(network string, q *dns.Msg) []*dns.Msg

// network is servers in memory, by their addresses; one that has no script
// takes queries and says nothing.
type network struct {
	servers map[string]script
	asked   atomic.Int32 // queries
	running sync.WaitGroup
}

func (n *network) dial(_ context.Context, network, address string) (net.Conn, error) {
	answer, ok := n.servers[address]
	if !ok {
		return nil, syscall.ECONNREFUSED
	}
	client, server := net.Pipe()
	n.running.Go(func() {
		defer server.Close()
		buf := make([]byte, 65535)
		for {
			if network == "tcp" {
				if _, err := io.ReadFull(server, buf[:2]); err != nil {
					return
				}
			}
			size, err := server.Read(buf)
			if err != nil {
				return
			}
			n.asked.Add(1)
			q := new(dns.Msg)
			if err := q.Unpack(buf[:size]); err != nil {
				panic(err)
			}
			if answer == nil {
				continue
			}
			for _, r := range answer(network, q) {
				packed, err := r.Pack()
				if err != nil {
					panic(err)
				}
				if network == "tcp" {
					packed = append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)
				}
				if _, err := server.Write(packed); err != nil {
					return
				}
			}
		}
	})
	return client, nil
}

// resolver asks the servers at 10.0.0.1, 10.0.0.2, … with these scripts.
func resolver(t *testing.T, c names.ResolverConfig, scripts ...script) (*names.Resolver, *network) {
	t.Helper()
	n := &network{servers: map[string]script{}}
	for i, s := range scripts {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 53)
		c.Servers = append(c.Servers, at)
		n.servers[at.String()] = s
	}
	c.Dial = n.dial
	r, err := names.NewResolver(c)
	require.NoError(t, err)
	t.Cleanup(n.running.Wait)
	return r, n
}

// answers is an answer with these records, in the words of a zone file.
func answers(q *dns.Msg, records ...string) *dns.Msg {
	r := new(dns.Msg).SetReply(q)
	r.RecursionAvailable = true
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		if rr.Header().Rrtype == dns.TypeSOA {
			r.Ns = append(r.Ns, rr)
		} else {
			r.Answer = append(r.Answer, rr)
		}
	}
	return r
}

func code(q *dns.Msg, rcode int) *dns.Msg {
	r := answers(q)
	r.Rcode = rcode
	return r
}

func requireDNS(t *testing.T, err error) *net.DNSError {
	t.Helper()
	var e *net.DNSError
	require.ErrorAs(t, err, &e)
	return e
}

// Answers to other questions, wherever they come from, are passed over; the
// real one behind them counts.
func TestForgedAnswersArePassedOver(t *testing.T) {
	forge := func(q *dns.Msg, change func(r *dns.Msg)) *dns.Msg {
		r := answers(q, q.Question[0].Name+" 60 IN A 6.6.6.6")
		change(r)
		return r
	}
	r, _ := resolver(t, names.ResolverConfig{}, func(_ string, q *dns.Msg) []*dns.Msg {
		return []*dns.Msg{
			forge(q, func(r *dns.Msg) { r.Id++ }),
			forge(q, func(r *dns.Msg) { r.Response = false }),
			forge(q, func(r *dns.Msg) { r.Opcode = dns.OpcodeStatus }),
			forge(q, func(r *dns.Msg) { r.Question[0].Name = "other.test." }),
			forge(q, func(r *dns.Msg) { r.Question[0].Qtype = dns.TypeAAAA }),
			forge(q, func(r *dns.Msg) { r.Question[0].Qclass = dns.ClassCHAOS }),
			forge(q, func(r *dns.Msg) { r.Question = nil }),
			answers(q, "other.test. 60 IN A 6.6.6.6", "host.test. 60 CH A 6.6.6.6", "HOST.test. 60 IN A 10.0.0.7"),
		}
	})
	addrs, err := r.LookupNetIP(t.Context(), "ip4", "host.test")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.7")}, addrs)
}

// A server that fails in any way is passed over; the last one's failure is
// told if none is left.
func TestNextServer(t *testing.T) {
	good := func(_ string, q *dns.Msg) []*dns.Msg { return []*dns.Msg{answers(q, "host.test. 60 IN A 10.0.0.7")} }
	failing := func(rcode int) script {
		return func(_ string, q *dns.Msg) []*dns.Msg { return []*dns.Msg{code(q, rcode)} }
	}
	lame := func(_ string, q *dns.Msg) []*dns.Msg {
		r := answers(q)
		r.RecursionAvailable = false
		return []*dns.Msg{r}
	}
	synctest.Test(t, func(t *testing.T) {
		r, _ := resolver(t, names.ResolverConfig{}, failing(dns.RcodeServerFailure), failing(dns.RcodeRefused), lame, nil, good)
		start := time.Now()
		addrs, err := r.LookupNetIP(t.Context(), "ip4", "host.test")
		require.NoError(t, err)
		require.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.7")}, addrs)
		require.Equal(t, names.DefaultTimeout, time.Since(start), "one of them was silent")
	})

	r, n := resolver(t, names.ResolverConfig{Attempts: 3}, failing(dns.RcodeRefused), failing(dns.RcodeServerFailure))
	_, err := r.LookupNetIP(t.Context(), "ip4", "host.test")
	require.EqualError(t, err, "lookup host.test on 10.0.0.2:53: server misbehaving: SERVFAIL")
	require.True(t, requireDNS(t, err).IsTemporary)
	require.EqualValues(t, 6, n.asked.Load(), "each was asked three times")
}

// Silence ends after the timeout, for each server and attempt, on the loop's
// clock; the context's end ends it at once.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := resolver(t, names.ResolverConfig{Timeout: 3 * time.Second, Attempts: 2}, nil, nil)
		start := time.Now()
		_, err := r.LookupNetIP(t.Context(), "ip", "host.test")
		require.Equal(t, 12*time.Second, time.Since(start), "both families at once")
		require.EqualError(t, err, "lookup host.test on 10.0.0.2:53: i/o timeout")
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.True(t, requireDNS(t, err).IsTimeout)
		require.EqualValues(t, 8, n.asked.Load())

		start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = r.LookupNetIP(ctx, "ip", "host.test")
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, requireDNS(t, err).IsTimeout)

		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		_, err = r.LookupNetIP(ctx, "ip", "host.test")
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, requireDNS(t, err).IsTimeout)
	})
}

// A server of before 1999 does not know EDNS, and says so in one of two ways,
// perhaps with no more than a header.
func TestServerWithoutEDNS(t *testing.T) {
	for _, rcode := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented} {
		for _, bare := range []bool{true, false} {
			r, n := resolver(t, names.ResolverConfig{}, func(_ string, q *dns.Msg) []*dns.Msg {
				if q.IsEdns0() == nil {
					return []*dns.Msg{answers(q, "host.test. 60 IN A 10.0.0.7")}
				}
				r := code(q, rcode)
				if bare {
					r.Question = nil
				}
				return []*dns.Msg{r}
			})
			addrs, err := r.LookupNetIP(t.Context(), "ip4", "host.test")
			require.NoError(t, err)
			require.Len(t, addrs, 1)
			require.EqualValues(t, 2, n.asked.Load())
		}
	}
}

// A truncated answer is asked for again over TCP; where that fails, the next
// server is asked.
func TestTruncatedAnswer(t *testing.T) {
	cut := func(tcp func(q *dns.Msg) []*dns.Msg) script {
		return func(network string, q *dns.Msg) []*dns.Msg {
			if network == "tcp" {
				return tcp(q)
			}
			r := answers(q, "host.test. 60 IN A 6.6.6.6")
			r.Truncated = true
			return []*dns.Msg{r}
		}
	}
	nonsense := cut(func(q *dns.Msg) []*dns.Msg {
		r := answers(q)
		r.Id++
		return []*dns.Msg{r}
	})
	good := cut(func(q *dns.Msg) []*dns.Msg {
		return []*dns.Msg{answers(q, "host.test. 60 IN A 10.0.0.7", "host.test. 60 IN A 10.0.0.8")}
	})
	r, n := resolver(t, names.ResolverConfig{}, nonsense, good)
	addrs, err := r.LookupNetIP(t.Context(), "ip4", "host.test")
	require.NoError(t, err)
	require.Len(t, addrs, 2)
	require.EqualValues(t, 4, n.asked.Load())
}

// Aliases are followed in one message and over several, and not for ever.
func TestAliases(t *testing.T) {
	var asked []string
	r, _ := resolver(t, names.ResolverConfig{CacheSize: -1}, func(_ string, q *dns.Msg) []*dns.Msg {
		name := q.Question[0].Name
		asked = append(asked, name)
		switch name {
		case "www.test.": // all in one message, in no order
			return []*dns.Msg{answers(q, "c.test. 60 IN A 10.0.0.7", "b.test. 60 IN CNAME C.test.", "www.test. 60 IN CNAME b.test.")}
		case "far.test.": // the rest is to be asked for
			return []*dns.Msg{answers(q, "far.test. 60 IN CNAME farther.test.", "farther.test. 60 IN CNAME www.test.")}
		case "to-nowhere.test.":
			r := answers(q, "to-nowhere.test. 60 IN CNAME nowhere.test.")
			r.Rcode = dns.RcodeNameError
			return []*dns.Msg{r}
		case "circle.test.":
			return []*dns.Msg{answers(q, "circle.test. 60 IN CNAME circle2.test.", "circle2.test. 60 IN CNAME circle.test.")}
		case "self.test.":
			return []*dns.Msg{answers(q, "self.test. 60 IN CNAME self.test.")}
		}
		var n int
		if _, err := fmt.Sscanf(name, "n%d.test.", &n); err != nil {
			panic(name)
		}
		return []*dns.Msg{answers(q, fmt.Sprintf("n%d.test. 60 IN CNAME n%d.test.", n, n+1))}
	})
	for _, name := range []string{"www.test", "far.test"} {
		addrs, err := r.LookupNetIP(t.Context(), "ip4", name)
		require.NoError(t, err)
		require.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.7")}, addrs)
	}
	require.Equal(t, []string{"www.test.", "far.test.", "www.test."}, asked)

	_, err := r.LookupNetIP(t.Context(), "ip4", "to-nowhere.test")
	require.True(t, requireDNS(t, err).IsNotFound)
	for _, name := range []string{"circle.test", "self.test", "n0.test"} {
		asked = nil
		_, err = r.LookupNetIP(t.Context(), "ip4", name)
		require.EqualError(t, err, "lookup "+name+" on 10.0.0.1:53: more than 8 aliases, or a circle of them")
		require.LessOrEqual(t, len(asked), 9)
	}
}

// An answer is kept for its shortest time to live, that something is missing
// for what its zone says (RFC 2308), and what no zone vouches for not at all.
func TestCache(t *testing.T) {
	const soa = "test. 100 IN SOA ns.test. admin.test. 1 2 3 4 50"
	synctest.Test(t, func(t *testing.T) {
		r, n := resolver(t, names.ResolverConfig{CacheSize: 2}, func(_ string, q *dns.Msg) []*dns.Msg {
			switch q.Question[0].Name {
			case "host.test.":
				return []*dns.Msg{answers(q, "host.test. 30 IN CNAME b.test.", "b.test. 20 IN A 10.0.0.7")}
			case "missing.test.":
				r := answers(q, soa)
				r.Rcode = dns.RcodeNameError
				return []*dns.Msg{r}
			case "nodata.test.":
				return []*dns.Msg{answers(q, soa)}
			case "for-ever.test.":
				return []*dns.Msg{answers(q, "for-ever.test. 2147483647 IN A 10.0.0.7")}
			case "uncached.test.":
				return []*dns.Msg{answers(q, "uncached.test. 0 IN A 10.0.0.7")}
			}
			return []*dns.Msg{code(q, dns.RcodeNameError)}
		})
		// packets is how many queries a lookup takes now.
		packets := func(name string) int {
			before := n.asked.Load()
			addrs, err := r.LookupNetIP(t.Context(), "ip4", name)
			if err != nil {
				require.True(t, requireDNS(t, err).IsNotFound)
			} else {
				require.Len(t, addrs, 1)
			}
			return int(n.asked.Load() - before)
		}
		for name, seconds := range map[string]int{"host.test": 20, "missing.test": 50, "nodata.test": 50, "for-ever.test": 86400} {
			require.Equal(t, 1, packets(name), name)
			time.Sleep(time.Duration(seconds)*time.Second - time.Nanosecond)
			require.Equal(t, 0, packets(strings.ToUpper(name)), name)
			time.Sleep(time.Nanosecond)
			require.Equal(t, 1, packets(name), name)
		}
		for _, name := range []string{"uncached.test", "unvouched.test"} {
			require.Equal(t, 1, packets(name))
			require.Equal(t, 1, packets(name))
		}
		// There is room for two: the third takes that of the one that was not
		// asked for longest.
		time.Sleep(100 * time.Hour)
		packets("missing.test")
		packets("nodata.test")
		require.Equal(t, 0, packets("missing.test"))
		packets("for-ever.test")
		require.Equal(t, 0, packets("missing.test"))
		require.Equal(t, 1, packets("nodata.test"))
	})
}

// What is found in one family is told even if the other could not be asked.
func TestOneFamilyIsEnough(t *testing.T) {
	answer := func(_ string, q *dns.Msg) []*dns.Msg {
		if q.Question[0].Qtype == dns.TypeAAAA {
			return []*dns.Msg{code(q, dns.RcodeServerFailure)}
		}
		if q.Question[0].Name == "missing.test." {
			return []*dns.Msg{code(q, dns.RcodeNameError)}
		}
		return []*dns.Msg{answers(q, "host.test. 60 IN A 10.0.0.7")}
	}
	r, _ := resolver(t, names.ResolverConfig{}, answer)
	addrs, err := r.LookupNetIP(t.Context(), "ip", "host.test")
	require.NoError(t, err)
	require.Len(t, addrs, 1)
	// But where nothing is found, the failure counts: there may be something.
	_, err = r.LookupNetIP(t.Context(), "ip", "missing.test")
	require.False(t, requireDNS(t, err).IsNotFound)
}

// What needs no server is not asked of one.
func TestResolverAsksNobody(t *testing.T) {
	r, n := resolver(t, names.ResolverConfig{}, nil)
	addrs, err := r.LookupNetIP(t.Context(), "ip", "10.77.0.2")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{two}, addrs)
	_, err = r.LookupNetIP(t.Context(), "ip6", "10.77.0.2")
	require.True(t, requireDNS(t, err).IsNotFound)
	for _, name := range []string{"", ".", "a..b", strings.Repeat("a", 64), "two words"} {
		_, err = r.LookupNetIP(t.Context(), "ip", name)
		require.True(t, requireDNS(t, err).IsNotFound, name)
	}
	_, err = r.LookupNetIP(t.Context(), "udp", "host.test")
	require.Equal(t, net.UnknownNetworkError("udp"), err)
	_, err = r.LookupAddr(t.Context(), "host.test")
	require.EqualError(t, err, "lookup host.test: unrecognized address")
	require.Zero(t, n.asked.Load())
}

func TestResolverConfig(t *testing.T) {
	dial := (&net.Dialer{}).DialContext
	for why, c := range map[string]names.ResolverConfig{
		"resolver: no Dial function was given":                             {Servers: []netip.AddrPort{atServer}},
		"resolver: 0 servers were given; 1 to 8 are possible":              {Dial: dial},
		"resolver: 9 servers were given; 1 to 8 are possible":              {Dial: dial, Servers: make([]netip.AddrPort, 9)},
		"resolver: the server invalid AddrPort is not an address and port": {Dial: dial, Servers: make([]netip.AddrPort, 1)},
	} {
		_, err := names.NewResolver(c)
		require.EqualError(t, err, why)
	}
	// A server that nobody is at, and no randomness.
	r, err := names.NewResolver(names.ResolverConfig{Dial: (&network{}).dial, Servers: []netip.AddrPort{atServer}})
	require.NoError(t, err)
	_, err = r.LookupNetIP(t.Context(), "ip", "host.test")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	r, err = names.NewResolver(names.ResolverConfig{Dial: dial, Servers: []netip.AddrPort{atServer}, Rand: strings.NewReader("")})
	require.NoError(t, err)
	_, err = r.LookupNetIP(t.Context(), "ip", "host.test")
	require.ErrorIs(t, err, io.EOF)
}

// phonebook is a resolver that always says the same.
type phonebook struct {
	addrs []netip.Addr
	err   error
}

func (p phonebook) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return p.addrs, p.err
}

func TestChain(t *testing.T) {
	var unknown stack.Resolver = phonebook{err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	broken, knows := phonebook{err: errors.New("broken")}, phonebook{addrs: []netip.Addr{one}}
	later := phonebook{addrs: []netip.Addr{two}}
	for _, c := range []struct {
		chain stack.Resolver
		want  []netip.Addr
		err   string
	}{
		{names.Chain(unknown, broken, knows, later), knows.addrs, ""},
		{names.Chain(unknown, broken, unknown), nil, "broken"},
		{names.Chain(unknown), nil, "lookup : no such host"},
		{names.Chain(), nil, "lookup host.test: no such host"},
	} {
		addrs, err := c.chain.LookupNetIP(t.Context(), "ip", "host.test")
		require.Equal(t, c.want, addrs)
		if c.err == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, c.err)
		}
	}
	// When the context has ended, nobody else is asked.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := names.Chain(broken, knows).LookupNetIP(ctx, "ip", "host.test")
	require.EqualError(t, err, "broken")
}
