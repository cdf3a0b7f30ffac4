package pcapng

import (
	"time"

	"strata/trace"
)

// Block is one of what [Reader.Next] gives: [Section], [Interface],
// [Captured], [Secrets].
type Block interface{ isBlock() }

var (
	_ Block = Section{}
	_ Block = Interface{}
	_ Block = Captured{}
	_ Block = Secrets{}
)

// Section is a Section Header Block (draft-ietf-opsawg-pcapng §4.1). The
// interfaces of the sections before it are gone.
type Section struct {
	App string // the program that wrote it (shb_userappl); empty: it does not say
}

// LinkType says what a packet begins with: a value of the registry of link
// types (draft-ietf-opsawg-pcaplinktype §2).
type LinkType uint16

// The link types that Strata captures.
const (
	LinkTypeEthernet LinkType = 1   // an Ethernet header (a TAP device)
	LinkTypeRaw      LinkType = 101 // an IPv4 or IPv6 header (a TUN device)
)

// Interface is an Interface Description Block (draft-ietf-opsawg-pcapng §4.2).
type Interface struct {
	Name        string   // "strata0"; empty: not said
	Description string   // for people; empty: not said
	LinkType    LinkType // what its packets begin with
	// SnapLen is the most that is kept of a packet, in bytes. Zero, or more
	// than [MaxSnapLen]: MaxSnapLen. (A Reader gives what the file says,
	// where zero means that it sets no limit.)
	SnapLen uint32
}

// Packet is what an Enhanced Packet Block (draft-ietf-opsawg-pcapng §4.3) says
// of a packet.
type Packet struct {
	Time time.Time       // from 1970 to 2262; kept to the nanosecond
	Dir  trace.Direction // zero: not said
	Data [][]byte        // the packet, in pieces that are joined; it is not kept
	// OrigLen is the length of the packet on the wire, in bytes, where Data
	// has only its beginning. Zero, or less than Data's: Data's.
	OrigLen int
	Comment string // for people, shown by Wireshark at the packet; empty: none
}

// Len is how many bytes there are of the packet.
func (p Packet) Len() int {
	n := 0
	for _, b := range p.Data {
		n += len(b)
	}
	return n
}

// Captured is a packet that was read, and where it was captured.
type Captured struct {
	Interface int // counted from 0 within its section
	Packet        // Data is one piece, the caller's to keep
}

// SecretsType says what the secrets of a Decryption Secrets Block are.
type SecretsType uint32

// TLSKeyLog is the type of TLS secrets, as lines of an NSS key log file
// (SSLKEYLOGFILE).
const TLSKeyLog SecretsType = 0x544c534b

// Secrets is a Decryption Secrets Block of draft-ietf-opsawg-pcapng.
type Secrets struct {
	Type SecretsType
	Data []byte
}

func (Section) isBlock()   {}
func (Interface) isBlock() {}
func (Captured) isBlock()  {}
func (Secrets) isBlock()   {}
