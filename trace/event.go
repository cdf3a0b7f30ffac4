package trace

import (
	"encoding/json"
	"net"
	"net/netip"
	"time"
)

// Event is one thing that happened at one host.
type Event struct {
	At   time.Time // on the host's clock
	Host string    // the host's name; empty where the reporter does not know it
	Dir  Direction // as seen from the host; zero for what has none (a state change)
	Flow Flow      // the connection; zero where there is none (ARP)
	What What      // what happened
}

// What is one of the types of this package that say what happened: [ARP],
// [Passage], [Datagram], [Segment], [Connection], [Sender], [Retransmission],
// [Stream], [TLSRecord], [TLS], [HTTP], [Frame], [Engine], [Message].
type What interface {
	// Layer is the OSI layer it happened on.
	Layer() Layer
	// Kind is one lower-case word: the name of the object in JSON.
	Kind() string
	// String is one short line for people.
	String() string
}

// Direction is the way something went, as seen from the host that reports it.
type Direction uint8

// The directions. The zero value is for events that have none.
const (
	In Direction = 1 + iota
	Out
)

// String is "in", "out" or "".
func (d Direction) String() string {
	switch d {
	case In:
		return "in"
	case Out:
		return "out"
	}
	return ""
}

// Flow is a connection as its host sees it.
type Flow struct {
	Local, Remote netip.AddrPort
}

// Reverse is the same connection as the other host sees it.
func (f Flow) Reverse() Flow { return Flow{Local: f.Remote, Remote: f.Local} }

// String is "local remote".
func (f Flow) String() string { return f.Local.String() + " " + f.Remote.String() }

// FlowOf is the flow of a connection, from its addresses. An address that is
// not an IP address with a port (net.Pipe's) gives the zero AddrPort. IPv4
// addresses in IPv6 form are given as IPv4, so that floors agree.
func FlowOf(local, remote net.Addr) Flow {
	return Flow{Local: addrPort(local), Remote: addrPort(remote)}
}

func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	case nil:
		return ap
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// MarshalJSON gives one flat object; what happened is under its kind:
//
//	{"time":"2026-11-22T10:00:00.000001Z","host":"server","layer":4,"kind":"segment","dir":"in",
//	 "local":"10.77.0.2:80","remote":"10.77.0.1:40000","segment":{"flags":"SYN","seq":1,…}}
func (e Event) MarshalJSON() ([]byte, error) {
	var local, remote string
	if e.Flow.Local.IsValid() {
		local = e.Flow.Local.String()
	}
	if e.Flow.Remote.IsValid() {
		remote = e.Flow.Remote.String()
	}
	head, err := json.Marshal(struct {
		Time   time.Time `json:"time"`
		Host   string    `json:"host,omitempty"`
		Layer  Layer     `json:"layer"`
		Kind   string    `json:"kind"`
		Dir    string    `json:"dir,omitempty"`
		Local  string    `json:"local,omitempty"`
		Remote string    `json:"remote,omitempty"`
	}{e.At, e.Host, e.What.Layer(), e.What.Kind(), e.Dir.String(), local, remote})
	if err != nil {
		return nil, err
	}
	what, err := json.Marshal(e.What)
	if err != nil {
		return nil, err
	}
	out := append(head[:len(head)-1], `,"`...)
	out = append(out, e.What.Kind()...)
	out = append(out, `":`...)
	out = append(out, what...)
	return append(out, '}'), nil
}
