package names

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// transport is what a query came over.
type transport int

const (
	overUDP transport = iota
	overTCP
)

const (
	headerSize = 12   // RFC 1035 §4.1.1
	plainUDP   = 512  // an answer over UDP, without EDNS: RFC 1035 §2.3.4
	maxUDP     = 1232 // and with it at most: what no link has to cut, 1280 less the headers
	maxTCP     = 65535
)

// answer makes the answer to a query; nil is silence.
func (s *Server) answer(query []byte, over transport) []byte {
	if len(query) < headerSize || query[2]&0x80 != 0 {
		return nil // nothing, or an answer: two servers must not talk to each other for ever
	}
	if opcode := int(query[2] >> 3 & 0xf); opcode != dns.OpcodeQuery {
		return headerOnly(query, dns.RcodeNotImplemented)
	}
	if binary.BigEndian.Uint16(query[4:]) != 1 { // RFC 9619
		return headerOnly(query, dns.RcodeFormatError)
	}
	if !plainQuestion(query[headerSize:]) {
		return headerOnly(query, dns.RcodeFormatError)
	}
	var q, r dns.Msg
	if err := q.Unpack(query); err != nil || !asAnnounced(&q, query) {
		return headerOnly(query, dns.RcodeFormatError)
	}
	r.SetReply(&q)
	r.Compress = true
	limit, ok := s.edns(&q, &r, over)
	if !ok {
		return headerOnly(query, dns.RcodeFormatError)
	}
	if r.Rcode == dns.RcodeSuccess {
		s.resolve(&r)
	}
	r.Truncate(limit)
	packed, err := r.Pack()
	if err != nil || len(packed) > limit {
		s.config.Logf("name server for %s: answer to %v: %d bytes, %v", s.zone, q.Question[0], len(packed), err)
		return headerOnly(query, dns.RcodeServerFailure)
	}
	return packed
}

// plainQuestion reports whether b begins with a question that is all there, and
// whose name is spelled out. One that points elsewhere makes no sense in the
// first question, and would let a short query draw a long answer.
func plainQuestion(b []byte) bool {
	for i := 0; i < len(b) && b[i] <= 63; i += 1 + int(b[i]) {
		if b[i] == 0 {
			return len(b) >= i+5 // type and class
		}
	}
	return false
}

// asAnnounced reports whether all that the header counts was there: miekg/dns
// also takes a message that ends early between two records.
func asAnnounced(q *dns.Msg, query []byte) bool {
	count := func(i int) int { return int(binary.BigEndian.Uint16(query[i:])) }
	return len(q.Question) == count(4) && len(q.Answer) == count(6) && len(q.Ns) == count(8) && len(q.Extra) == count(10)
}

// headerOnly answers with nothing but a code, in no more bytes than the query.
func headerOnly(query []byte, rcode int) []byte {
	r := make([]byte, headerSize)
	copy(r, query[:2])                 // the id
	r[2] = 0x80 | query[2]&(0x78|0x01) // an answer; opcode and "recursion desired" as in the query
	r[3] = byte(rcode)
	return r
}

// edns reads the options of a query (RFC 6891), writes ours, and gives the
// largest answer, in bytes; false where they make no sense.
func (s *Server) edns(q, r *dns.Msg, over transport) (limit int, ok bool) {
	limit = plainUDP
	var opt *dns.OPT
	for _, rr := range q.Extra {
		if o, ok := rr.(*dns.OPT); ok {
			if opt != nil || o.Hdr.Name != "." {
				return 0, false
			}
			opt = o
		}
	}
	if opt != nil {
		r.SetEdns0(maxUDP, opt.Do())
		limit = min(max(int(opt.UDPSize()), plainUDP), maxUDP)
		if opt.Version() != 0 {
			r.Rcode = dns.RcodeBadVers
		}
	}
	if over == overTCP {
		limit = maxTCP
	}
	return limit, true
}

// resolve answers r's question.
func (s *Server) resolve(r *dns.Msg) {
	question := r.Question[0]
	if question.Qclass != dns.ClassINET || question.Qtype == dns.TypeAXFR || question.Qtype == dns.TypeIXFR {
		r.Rcode = dns.RcodeRefused
		return
	}
	name := strings.TrimSuffix(dns.CanonicalName(question.Name), ".")
	if inZone(name, s.zone) {
		addrs, exists := s.config.Table.find(name)
		s.forward(r, addrs, name == s.zone)
		s.finish(r, s.apex, exists || name == s.zone)
		return
	}
	if addr, ok := parseReverse(name); ok {
		if pointers := s.pointers(addr); len(pointers) > 0 {
			// Each address is a zone of its own: of its network we know nothing.
			s.backward(r, pointers)
			s.finish(r, question.Name, true)
			return
		}
	}
	r.Rcode = dns.RcodeRefused
}

// forward answers for a name of the zone.
func (s *Server) forward(r *dns.Msg, addrs []netip.Addr, apex bool) {
	switch r.Question[0].Qtype {
	case dns.TypeA:
		for _, a := range addrs {
			if a.Is4() {
				r.Answer = append(r.Answer, &dns.A{Hdr: s.header(r, dns.TypeA), A: a.AsSlice()})
			}
		}
	case dns.TypeAAAA:
		for _, a := range addrs {
			if a.Is6() {
				r.Answer = append(r.Answer, &dns.AAAA{Hdr: s.header(r, dns.TypeAAAA), AAAA: a.AsSlice()})
			}
		}
	case dns.TypeANY:
		if len(addrs) > 0 || apex {
			s.any(r)
		}
	default:
		if apex {
			s.authority(r)
		}
	}
}

// backward answers for the name of an address.
func (s *Server) backward(r *dns.Msg, pointers []string) {
	switch r.Question[0].Qtype {
	case dns.TypePTR:
		for _, name := range pointers {
			r.Answer = append(r.Answer, &dns.PTR{Hdr: s.header(r, dns.TypePTR), Ptr: dns.Fqdn(name)})
		}
	case dns.TypeANY:
		s.any(r)
	default:
		s.authority(r)
	}
}

// maxPointers bounds the names in an answer, so that it fits into a message.
const maxPointers = 128

// pointers are the names that an address has in the zone.
func (s *Server) pointers(addr netip.Addr) []string {
	var found []string
	for _, name := range s.config.Table.namesOf(addr) {
		if inZone(name, s.zone) && len(found) < maxPointers {
			found = append(found, name)
		}
	}
	return found
}

// authority answers what only the top of a zone has.
func (s *Server) authority(r *dns.Msg) {
	switch r.Question[0].Qtype {
	case dns.TypeSOA:
		r.Answer = append(r.Answer, s.soa(r.Question[0].Name))
	case dns.TypeNS:
		r.Answer = append(r.Answer, &dns.NS{Hdr: s.header(r, dns.TypeNS), Ns: s.apex})
	}
}

// any answers "all you have" with next to nothing (RFC 8482 §4.2).
func (s *Server) any(r *dns.Msg) {
	r.Answer = append(r.Answer, &dns.HINFO{Hdr: s.header(r, dns.TypeHINFO), Cpu: "RFC8482"})
}

// finish ends an answer: it is authoritative, and where it is negative it brings
// the zone's SOA, which says for how long (RFC 2308 §3).
func (s *Server) finish(r *dns.Msg, zone string, exists bool) {
	r.Authoritative = true
	if !exists {
		r.Rcode = dns.RcodeNameError
	}
	if len(r.Answer) == 0 {
		r.Ns = append(r.Ns, s.soa(zone))
	}
}

func (s *Server) header(r *dns.Msg, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: r.Question[0].Name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: s.ttl}
}

// mailbox is that of who is responsible for the zone, in front of its name
// (RFC 2142 §7).
const mailbox = "hostmaster."

// soa is the start of authority of a zone of ours. Its serial number moves with
// the table.
func (s *Server) soa(zone string) dns.RR {
	return &dns.SOA{
		Hdr:     dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: s.ttl},
		Ns:      s.apex,
		Mbox:    mailbox + s.apex,
		Serial:  1 + s.config.Table.changes(),
		Refresh: 3600, Retry: 600, Expire: 86400, // for secondaries, of which there are none
		Minttl: s.ttl,
	}
}
