package trace

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// ARP is an ARP packet (RFC 826) or an IPv6 neighbour solicitation or
// advertisement (RFC 4861 §4.3, §4.4): who has an address, and who answers.
type ARP struct {
	Op     string     `json:"op"`            // "request" or "reply"
	Target netip.Addr `json:"target"`        // the address that is asked for
	MAC    string     `json:"mac,omitempty"` // in a reply: the answer, as 02:00:00:00:00:01
}

// Layer is DataLink.
func (ARP) Layer() Layer { return DataLink }

// Kind is "arp".
func (ARP) Kind() string { return "arp" }

// String is like "ARP who has 10.77.0.2?" or "ARP 10.77.0.2 is at 02:…".
func (a ARP) String() string {
	proto := "ARP"
	if a.Target.Is6() {
		proto = "NDP"
	}
	if a.Op == "reply" {
		return fmt.Sprintf("%s %v is at %s", proto, a.Target, a.MAC)
	}
	return fmt.Sprintf("%s who has %v?", proto, a.Target)
}

// Datagram is an IP packet that carries no TCP: ICMP, UDP or another protocol.
type Datagram struct {
	Proto string `json:"proto"` // "icmp", "icmpv6", "udp", or the protocol's number
	Len   int    `json:"len"`   // the whole IP packet, bytes
	Info  string `json:"info,omitempty"`
}

// Layer is Network, or Transport for UDP.
func (d Datagram) Layer() Layer {
	if d.Proto == "udp" {
		return Transport
	}
	return Network
}

// Kind is "datagram".
func (Datagram) Kind() string { return "datagram" }

// String is like "ICMP echo request, 84 bytes".
func (d Datagram) String() string {
	info := d.Info
	if info != "" {
		info = " " + info
	}
	return fmt.Sprintf("%s%s, %d bytes", strings.ToUpper(d.Proto), info, d.Len)
}

// Segment is a TCP segment (RFC 9293 §3.1) on the wire: on its way out when the
// host hands it to its link, on its way in when the link hands it over.
type Segment struct {
	Flags   Flags   `json:"flags"`
	Seq     uint32  `json:"seq"`     // the sequence number as sent, not relative
	Ack     uint32  `json:"ack"`     // meaningful where Flags has ACK
	Window  uint16  `json:"window"`  // as sent, not scaled
	Len     int     `json:"len"`     // payload, bytes; a super-segment counts whole
	TTL     uint8   `json:"ttl"`     // of the IP packet around it: TTL or hop limit
	Packet  int     `json:"packet"`  // the whole IP packet, bytes
	Options Options `json:"options"` // those of this segment
}

// Layer is Transport.
func (Segment) Layer() Layer { return Transport }

// Kind is "segment".
func (Segment) Kind() string { return "segment" }

// String is like "SYN-ACK seq=1 ack=2 win=64240 len=0 mss=1460 ws=7 sackOK ts".
func (s Segment) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v seq=%d", s.Flags, s.Seq)
	if s.Flags&ACK != 0 {
		fmt.Fprintf(&b, " ack=%d", s.Ack)
	}
	fmt.Fprintf(&b, " win=%d len=%d", s.Window, s.Len)
	if o := s.Options.String(); o != "" {
		b.WriteString(" " + o)
	}
	return b.String()
}

// Flags are TCP's control bits (RFC 9293 §3.1), each at its bit of the header.
type Flags uint8

// The control bits.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// String is "SYN", "SYN-ACK", "ACK", "PSH-ACK", "FIN-ACK", …
func (f Flags) String() string {
	if f == 0 {
		return "none"
	}
	var parts []string
	// ACK comes last, as people say it.
	for _, n := range [...]struct {
		bit  Flags
		name string
	}{{SYN, "SYN"}, {FIN, "FIN"}, {RST, "RST"}, {PSH, "PSH"}, {URG, "URG"}, {ECE, "ECE"}, {CWR, "CWR"}, {ACK, "ACK"}} {
		if f&n.bit != 0 {
			parts = append(parts, n.name)
		}
	}
	return strings.Join(parts, "-")
}

// MarshalText is String, for JSON.
func (f Flags) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Options are the options of a TCP segment. Zero fields were not there.
type Options struct {
	MSS           uint16      // bytes; RFC 9293 §3.7.1, in SYNs
	WindowScale   *uint8      // the shift; RFC 7323 §2, in SYNs
	SACKPermitted bool        // RFC 2018 §2, in SYNs
	Timestamp     *Timestamp  // RFC 7323 §3
	SACK          [][2]uint32 // blocks received beyond a hole: [left, right) edges; RFC 2018 §3
}

// Timestamp is TCP's timestamp option (RFC 7323 §3.2).
type Timestamp struct {
	Val uint32 `json:"val"`
	Ecr uint32 `json:"ecr"`
}

// MarshalJSON leaves out what was not there.
func (o Options) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		MSS           uint16      `json:"mss,omitempty"`
		WindowScale   *uint8      `json:"ws,omitempty"`
		SACKPermitted bool        `json:"sackOK,omitempty"`
		Timestamp     *Timestamp  `json:"ts,omitempty"`
		SACK          [][2]uint32 `json:"sack,omitempty"`
	}{o.MSS, o.WindowScale, o.SACKPermitted, o.Timestamp, o.SACK})
}

// String is like "mss=1460 ws=7 sackOK ts=1/0 sack=10-20".
func (o Options) String() string {
	var parts []string
	if o.MSS != 0 {
		parts = append(parts, fmt.Sprintf("mss=%d", o.MSS))
	}
	if o.WindowScale != nil {
		parts = append(parts, fmt.Sprintf("ws=%d", *o.WindowScale))
	}
	if o.SACKPermitted {
		parts = append(parts, "sackOK")
	}
	if o.Timestamp != nil {
		parts = append(parts, fmt.Sprintf("ts=%d/%d", o.Timestamp.Val, o.Timestamp.Ecr))
	}
	for _, b := range o.SACK {
		parts = append(parts, fmt.Sprintf("sack=%d-%d", b[0], b[1]))
	}
	return strings.Join(parts, " ")
}

// Connection is a change of a TCP connection's state (RFC 9293 §3.3.2).
type Connection struct {
	State string `json:"state"`           // "ESTABLISHED", "CLOSED"
	Cause string `json:"cause,omitempty"` // why, where it closed: "FIN", "RST", an error

	// Payload bytes until now, where it closed.
	Sent     uint64 `json:"sent,omitempty"`
	Received uint64 `json:"received,omitempty"`
}

// Layer is Transport.
func (Connection) Layer() Layer { return Transport }

// Kind is "connection".
func (Connection) Kind() string { return "connection" }

// String is like "ESTABLISHED" or "CLOSED (RST)".
func (c Connection) String() string {
	if c.Cause != "" {
		return c.State + " (" + c.Cause + ")"
	}
	return c.State
}
