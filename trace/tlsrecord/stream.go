package tlsrecord

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// Content types (RFC 8446 §5.1).
const (
	changeCipherSpec = 20
	alert            = 21
	handshake        = 22
	applicationData  = 23
)

func typeName(typ byte) string {
	return [...]string{"change cipher spec", "alert", "handshake", "application data"}[typ-changeCipherSpec]
}

// largest is how long a record's payload may be: RFC 5246 §6.2.3, and less in TLS
// 1.3.
const largest = 1<<14 + 2048

// most is how many handshake messages of one record are named.
const most = 8

// stream reads one direction. Behind the bytes that it has read it keeps where it
// is in a record, and, in a handshake message in the clear, in that.
type stream struct {
	at     uint64 // bytes that were read
	broken bool   // it is not TLS

	from   uint64 // where the record begins
	header [5]byte
	have   int // of the header
	typ    byte
	size   int // of the payload
	left   int // of the payload

	encrypted bool // all further handshake messages and alerts are
	finished  bool // this end's part of the handshake is over
	hello     bool // it has a client hello
	retried   bool // it has a hello retry request

	message   [4]byte // its header
	haveOf    int
	body      int // bytes of the message that are to come
	seen      int
	retry     bool     // so far it is a hello retry request
	names     []string // of the messages that begin in the record
	alertCode byte
}

// read reads up to a record's end, and says how far it came.
func (s *stream) read(p []byte) (n int, ended bool) {
	for n < len(p) && s.have < len(s.header) {
		if s.have == 0 {
			s.from, s.names = s.at, nil
		}
		s.header[s.have] = p[n]
		s.have, s.at, n = s.have+1, s.at+1, n+1
		if s.have == len(s.header) && !s.begin() {
			s.broken = true
			return n, false
		}
	}
	if s.have < len(s.header) {
		return n, false
	}
	payload := p[n:min(len(p), n+s.left)]
	switch {
	case s.typ == handshake && !s.encrypted:
		s.messages(payload)
	case s.typ == alert && len(payload) > 0:
		s.alertCode = payload[len(payload)-1]
	}
	n, s.left, s.at = n+len(payload), s.left-len(payload), s.at+uint64(len(payload))
	if s.left > 0 {
		return n, false
	}
	s.have = 0
	return n, true
}

// begin takes a record's header; false where it is none.
func (s *stream) begin() bool {
	s.typ, s.size = s.header[0], int(s.header[3])<<8|int(s.header[4])
	s.left = s.size
	return s.typ >= changeCipherSpec && s.typ <= applicationData && s.header[1] == 3 && s.size <= largest
}

// messages goes through handshake messages (RFC 8446 §4), which may begin and end
// anywhere in records.
func (s *stream) messages(p []byte) {
	for len(p) > 0 {
		if s.body == 0 {
			s.message[s.haveOf] = p[0]
			s.haveOf, p = s.haveOf+1, p[1:]
			if s.haveOf == len(s.message) {
				s.haveOf, s.seen = 0, 0
				s.body = int(s.message[1])<<16 | int(s.message[2])<<8 | int(s.message[3])
				s.name()
			}
			continue
		}
		n := min(len(p), s.body)
		s.random(p[:n])
		s.body, s.seen, p = s.body-n, s.seen+n, p[n:]
	}
}

// name names a message that begins.
func (s *stream) name() {
	typ := s.message[0]
	s.retry = typ == serverHello
	s.hello = s.hello || typ == clientHello
	name := messageNames[typ]
	if name == "" {
		name = fmt.Sprintf("handshake message %d", typ)
	}
	if len(s.names) < most {
		s.names = append(s.names, name)
	}
}

// random compares a server hello's random with that of a hello retry request (RFC
// 8446 §4.1.3); it comes behind two bytes of version.
func (s *stream) random(p []byte) {
	const begin = 2
	for i := max(0, begin-s.seen); s.retry && i < len(p); i++ {
		at := s.seen + i - begin
		if at >= len(retryRandom) {
			return
		}
		s.retry = p[i] == retryRandom[at]
		if s.retry && at == len(retryRandom)-1 {
			s.retried = true
			if len(s.names) > 0 {
				s.names[len(s.names)-1] = "hello retry request"
			}
		}
	}
}

// steps are the messages' names; of a record that begins none it says that it goes
// on.
func (s *stream) steps() string {
	if len(s.names) == 0 {
		return "more of it"
	}
	return strings.Join(s.names, ", ")
}

// alert is which (RFC 8446 §6).
func (s *stream) alert() string {
	return strings.TrimPrefix(tls.AlertError(s.alertCode).Error(), "tls: ")
}

const (
	clientHello = 1
	serverHello = 2
)

// messageNames are RFC 8446's (§4) and RFC 5246's (§7.4) handshake types.
var messageNames = [256]string{
	0: "hello request", clientHello: "client hello", serverHello: "server hello", 4: "new session ticket", 5: "end of early data",
	8: "encrypted extensions", 11: "certificate", 12: "server key exchange", 13: "certificate request", 14: "server hello done",
	15: "certificate verify", 16: "client key exchange", 20: "finished", 22: "certificate status", 24: "key update",
}

// retryRandom is SHA-256 of "HelloRetryRequest".
var retryRandom = [32]byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}
