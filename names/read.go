package names

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// What a server allows us to keep for longer than this is kept as long as this
// (RFC 2308 §5 for what does not exist).
const (
	maxTTL         = 24 * time.Hour
	maxNegativeTTL = time.Hour
)

// reading is what a message says about a question.
type reading struct {
	records
	owner    string        // canonical; of the records: the name asked for, or what its aliases lead to
	aliases  int           // that lead there
	negative bool          // there are none, and ttl says for how long that is known
	ttl      time.Duration // the shortest on the way
}

func (a *reading) found() bool { return len(a.addrs) > 0 || len(a.names) > 0 }

// read follows a message's aliases from name to the records of a type. Names
// that the question does not lead to are passed over.
func read(msg *dns.Msg, name string, qtype uint16) reading {
	a := reading{owner: name, ttl: maxTTL}
	for {
		alias := ""
		for _, rr := range msg.Answer {
			h := rr.Header()
			if h.Class != dns.ClassINET || key(h.Name) != a.owner {
				continue
			}
			switch rr := rr.(type) {
			case *dns.A:
				addr, ok := netip.AddrFromSlice(rr.A.To4())
				if !ok || qtype != dns.TypeA {
					continue
				}
				a.addrs = append(a.addrs, addr)
			case *dns.AAAA:
				addr, ok := netip.AddrFromSlice(rr.AAAA.To16())
				if !ok || qtype != dns.TypeAAAA {
					continue
				}
				a.addrs = append(a.addrs, addr)
			case *dns.PTR:
				if qtype != dns.TypePTR {
					continue
				}
				a.names = append(a.names, rr.Ptr)
			case *dns.CNAME:
				alias = key(rr.Target)
			default:
				continue
			}
			a.ttl = min(a.ttl, time.Duration(h.Ttl)*time.Second)
		}
		if a.found() {
			return a
		}
		if alias == "" || a.aliases == maxAliases {
			break
		}
		a.owner = alias
		a.aliases++
	}
	for _, rr := range msg.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			a.negative = true
			a.ttl = min(a.ttl, time.Duration(min(soa.Hdr.Ttl, soa.Minttl))*time.Second, maxNegativeTTL)
		}
	}
	return a
}

// key is a name of a message as we compare them.
func key(name string) string { return strings.TrimSuffix(dns.CanonicalName(name), ".") }
