package hostile

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// largest is the size of the largest packet, in bytes: an Ethernet's.
const largest = 1500

// Garbage is a packet that r draws: random bytes, or a packet to one of the
// addresses that is right up to some floor and random above: the header of IPv4
// or IPv6 (with a chain of extension headers), a fragment of a datagram whose
// rest never comes, a segment with any flags and options and a checksum that is
// right, or such a packet cut off anywhere. Its first four bits are 4 or 6, since
// a device takes nothing else; to4 is IPv4 and to6 IPv6.
func Garbage(r *rand.Rand, to4, to6 netip.Addr) []byte {
	from4 := to4.As4()
	from4[3] ^= 1 + byte(r.IntN(255)) // a neighbour
	from6 := to6.As16()
	from6[15] ^= 1 + byte(r.IntN(255))
	var p []byte
	switch r.IntN(6) {
	case 0:
		p = random(r, 1+r.IntN(largest))
		p[0] = [...]byte{0x40, 0x60}[r.IntN(2)] | p[0]&0xf
	case 1:
		p = ipv4(netip.AddrFrom4(from4), to4, protocol(r), 0, random(r, r.IntN(largest-header.IPv4MinimumSize)))
	case 2:
		p = ipv6(netip.AddrFrom16(from6), to6, protocol(r), random(r, r.IntN(largest-header.IPv6MinimumSize)))
	case 3:
		const more = 1 << 13
		p = ipv4(netip.AddrFrom4(from4), to4, protocol(r), more|uint16(r.IntN(8000)), random(r, 8*(1+r.IntN(180))))
		binary.BigEndian.PutUint16(p[4:], uint16(r.Uint32())) // which datagram
		h := header.IPv4(p)
		h.SetChecksum(0)
		h.SetChecksum(^h.CalculateChecksum())
	case 4:
		segment := random(r, header.TCPMinimumSize+4*r.IntN(300))
		binary.BigEndian.PutUint16(segment[2:], uint16(r.IntN(100))) // ports of which some listen
		segment[12] = byte(5+r.IntN(11)) << 4
		sumTCP(segment, netip.AddrFrom4(from4), to4)
		p = ipv4(netip.AddrFrom4(from4), to4, uint8(header.TCPProtocolNumber), 0, segment)
	case 5:
		p = SYN(netip.AddrPortFrom(netip.AddrFrom4(from4), uint16(r.Uint32())), netip.AddrPortFrom(to4, uint16(r.IntN(100))), r.Uint32())
		p = p[:1+r.IntN(len(p))]
	}
	return p
}

// protocol is mostly one that somebody understands (the headers that may follow
// IPv6's first: RFC 8200 §4).
func protocol(r *rand.Rand) uint8 {
	known := []uint8{0, 1, 2, 6, 17, 43, 44, 58, 59, 60, uint8(r.Uint32())}
	return known[r.IntN(len(known))]
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 8 {
		var word [8]byte
		binary.NativeEndian.PutUint64(word[:], r.Uint64())
		copy(b[i:], word[:])
	}
	return b
}

func ipv6(from, to netip.Addr, next uint8, carried []byte) []byte {
	p := make([]byte, header.IPv6MinimumSize, header.IPv6MinimumSize+len(carried))
	p[0] = 6 << 4
	binary.BigEndian.PutUint16(p[4:], uint16(len(carried)))
	p[6], p[7] = next, 64
	copy(p[8:], from.AsSlice())
	copy(p[24:], to.AsSlice())
	return append(p, carried...)
}
