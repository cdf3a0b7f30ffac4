package link

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Stream is where a TCP segment lies in what its side sends, as the rules of a
// wire follow it from the moment when the wire has its first rule.
type Stream struct {
	// Offset is the place of the segment's first byte of data: 0 is the first
	// after the SYN; of a connection whose SYN was not seen, the first that
	// was.
	Offset uint64

	// Retransmission says that the segment has data, SYN or FIN, and begins
	// with what was sent before.
	Retransmission bool

	// HandshakeACK says that this is the third step of the handshake: an ACK of
	// the SYN-ACK without data.
	HandshakeACK bool
}

// maxStreams bounds how many streams are followed; the oldest is forgotten.
const maxStreams = 4096

// streams follows the TCP streams on a wire, each direction of a connection
// apart.
type streams struct {
	seen   map[streamKey]*stream
	oldest []streamKey // a ring of the keys, once it is full
	next   int         // in oldest, to be forgotten
}

type streamKey struct{ src, dst netip.AddrPort }

type stream struct {
	synSeen bool
	synACK  bool   // its SYN was the answer to one
	isn     uint32 // of the SYN
	end     uint32 // the sequence number after the highest that was sent
	sent    uint64 // sequence numbers up to end, from Offset 0 on
}

// see notes a packet and says in its view where it lies.
func (s *streams) see(v *View) {
	if v.TCP == nil || v.Fragment {
		return
	}
	src, dst := v.Addrs()
	key := streamKey{src, dst}
	seq, flags := v.TCP.SequenceNumber(), v.TCP.Flags()
	syn := flags.Contains(header.TCPFlagSyn)
	st := s.seen[key]
	switch {
	case syn && (st == nil || !st.synSeen || st.isn != seq):
		if st == nil {
			st = s.follow(key)
		}
		*st = stream{synSeen: true, synACK: flags.Contains(header.TCPFlagAck), isn: seq, end: seq + 1}
		return
	case syn:
		v.Stream.Retransmission = true
		return
	case st == nil:
		st = s.follow(key)
		*st = stream{end: seq}
	}
	length := uint32(v.PayloadLen)
	if flags.Contains(header.TCPFlagFin) {
		length++
	}
	ahead := int64(int32(seq - st.end)) // of the highest; below 0 is behind it
	v.Stream.Offset = uint64(max(0, int64(st.sent)+ahead))
	v.Stream.Retransmission = length > 0 && ahead < 0
	if flags.Contains(header.TCPFlagAck) && !flags.Contains(header.TCPFlagRst) && length == 0 && st.synSeen && seq == st.isn+1 {
		peer := s.seen[streamKey{dst, src}]
		v.Stream.HandshakeACK = peer != nil && peer.synSeen && peer.synACK && v.TCP.AckNumber() == peer.isn+1
	}
	if beyond := ahead + int64(length); beyond > 0 {
		st.end, st.sent = seq+length, st.sent+uint64(beyond)
	}
}

// follow begins to follow a stream.
func (s *streams) follow(key streamKey) *stream {
	if s.seen == nil {
		s.seen = map[streamKey]*stream{}
	}
	if len(s.oldest) < maxStreams {
		s.oldest = append(s.oldest, key)
	} else {
		delete(s.seen, s.oldest[s.next])
		s.oldest[s.next] = key
		s.next = (s.next + 1) % maxStreams
	}
	st := &stream{}
	s.seen[key] = st
	return st
}
