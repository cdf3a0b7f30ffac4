package trace

// Layer is an OSI layer, 1 to 7 (ISO/IEC 7498-1).
//
// The Internet's protocols were not written against the OSI model, so where
// they sit is a choice. Ours: ARP and Ethernet are 2, IP and ICMP 3, TCP and
// UDP 4; what opens, keeps and ends a conversation is 5 (the HTTP upgrade,
// Engine.IO's open, ping and upgrade); how it is written on the wire is 6 (TLS,
// WebSocket frames with their masks and UTF-8); what is said is 7 (Socket.IO
// events and acks).
type Layer uint8

// The seven layers.
const (
	Physical Layer = 1 + iota
	DataLink
	Network
	Transport
	Session
	Presentation
	Application
)

// String is the layer's name in lower case: "transport".
func (l Layer) String() string {
	names := [...]string{"", "physical", "data link", "network", "transport", "session", "presentation", "application"}
	if int(l) < len(names) {
		return names[l]
	}
	return "layer?"
}
