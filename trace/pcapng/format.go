package pcapng

// Block types (draft-ietf-opsawg-pcapng, "Standardized Block Type Codes").
const (
	typeSection   = 0x0a0d0d0a // reads the same in both byte orders
	typeInterface = 0x00000001
	typePacket    = 0x00000006
	typeSecrets   = 0x0000000a
)

// The byte order of a section is that in which this reads right.
const byteOrderMagic = 0x1a2b3c4d

// Option codes: the first two are of every block, the others of the block in
// their name.
const (
	optEnd     = 0
	optComment = 1

	optSectionApp = 4

	optInterfaceName        = 2
	optInterfaceDescription = 3
	optInterfaceResolution  = 9
	optInterfaceOffset      = 14

	optPacketFlags = 2
)

// The lowest two bits of a packet's flags (§4.3, "Enhanced Packet Block Flags Word").
const (
	flagInbound       = 1
	flagOutbound      = 2
	flagDirectionMask = 3
)

// The limits of what is written, and of what is believed when read.
const (
	// MaxSnapLen is the longest packet that is kept, in bytes: the most that
	// Wireshark takes.
	MaxSnapLen = 256 << 10

	maxBlock      = 16 << 20 // bytes; a longer block is not read but refused
	maxInterfaces = 1 << 16
	maxOption     = 1<<16 - 1 // bytes; its length is a uint16
)

// padding is how many bytes bring n to a multiple of four.
func padding(n int) int { return -n & 3 }
