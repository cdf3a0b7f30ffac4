package parser

import (
	"bytes"
	"fmt"
)

// DefaultMaxBytes bounds the attachments of one packet together, bytes.
const DefaultMaxBytes = 16 << 20

// Decoder puts text messages and the attachments that follow them together.
// The zero value is ready. It is for one connection and one goroutine.
type Decoder struct {
	MaxBytes int // of one packet's attachments together; 0 means DefaultMaxBytes

	pending Packet
	missing int // attachments that pending still waits for
	bytes   int // of the attachments of pending so far
}

// Text takes a text message. It reports ok where the packet is complete, and
// false where attachments are to come. Packets keep, and point into, text: the
// caller must not change it afterwards. Errors are [ErrPacket]; the connection
// is to be closed then, as the decoder does not find its way back.
func (d *Decoder) Text(text []byte) (p Packet, ok bool, err error) {
	if d.missing > 0 {
		return Packet{}, false, fmt.Errorf("%w: text while %d attachments are missing", ErrPacket, d.missing)
	}
	p, attachments, err := parse(text)
	if err != nil {
		return Packet{}, false, err
	}
	if attachments > 0 {
		d.pending, d.missing, d.bytes = p, attachments, 0
		return Packet{}, false, nil
	}
	return p, true, nil
}

// Binary takes a binary message: the next attachment. Results as for Text.
func (d *Decoder) Binary(data []byte) (p Packet, ok bool, err error) {
	if d.missing == 0 {
		return Packet{}, false, fmt.Errorf("%w: a binary message that no packet announced", ErrPacket)
	}
	limit := d.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	if d.bytes += len(data); d.bytes > limit {
		return Packet{}, false, fmt.Errorf("%w: attachments of more than %d bytes together", ErrPacket, limit)
	}
	d.pending.Attachments = append(d.pending.Attachments, data)
	if d.missing--; d.missing > 0 {
		return Packet{}, false, nil
	}
	p, d.pending = d.pending, Packet{}
	if err := checkPlaceholders(p.Data, len(p.Attachments)); err != nil {
		return Packet{}, false, err
	}
	return p, true, nil
}

// Pending reports whether a packet waits for attachments.
func (d *Decoder) Pending() bool { return d.missing > 0 }

// parse reads the text of a packet and says how many attachments follow.
func parse(text []byte) (p Packet, attachments int, err error) {
	bad := func(why string) (Packet, int, error) {
		return Packet{}, 0, fmt.Errorf("%w: %s: %s", ErrPacket, why, excerpt(text))
	}
	if len(text) == 0 || text[0] < '0' || text[0] >= '0'+byte(typeCount) {
		return bad("unknown packet type")
	}
	p = Packet{Type: Type(text[0] - '0'), Namespace: "/"}
	rest := text[1:]

	if p.Type == BinaryEvent || p.Type == BinaryAck {
		n, size := number(rest)
		if size == 0 || size == len(rest) || rest[size] != '-' || n < 1 {
			return bad("illegal attachments")
		}
		if n > MaxAttachments {
			return bad("too many attachments")
		}
		attachments, rest = int(n), rest[size+1:]
	}

	if len(rest) > 0 && rest[0] == '/' {
		// The last comma may be missing: "40/random".
		nsp, after, _ := bytes.Cut(rest, []byte{','})
		if len(nsp) > 1 {
			p.Namespace = string(nsp)
		}
		rest = after
	}

	if n, size := number(rest); size > 0 {
		if n > maxID {
			return bad("ack id out of range")
		}
		p.ID, p.HasID, rest = n, true, rest[size:]
	}

	if why := checkPayload(p.Type, rest); why != "" {
		return bad(why)
	}
	if len(rest) > 0 {
		p.Data = rest
	}
	return p, attachments, nil
}

// number reads the digits that b begins with. Where they are more than any
// number that is allowed, n is beyond maxID: no digit is looked at twice, so a
// megabyte of them costs no more than a megabyte of anything (CVE-2020-36049).
func number(b []byte) (n uint64, size int) {
	for size < len(b) && b[size] >= '0' && b[size] <= '9' {
		if n <= maxID {
			n = n*10 + uint64(b[size]-'0')
		}
		size++
	}
	return n, size
}

// checkPayload says what is wrong with data as the payload of a packet of that
// type, or "".
func checkPayload(t Type, data []byte) string {
	if len(data) == 0 {
		if t == Connect || t == Disconnect {
			return ""
		}
		return "payload missing"
	}
	// What the first byte says is checked first: it is cheap.
	switch t {
	case Connect:
		if data[0] != '{' {
			return "the payload is no object"
		}
	case Disconnect:
		return "a payload where none belongs"
	case ConnectError:
		if data[0] != '{' && data[0] != '"' {
			return "the payload is neither object nor string"
		}
	default:
		if data[0] != '[' {
			return "the payload is no array"
		}
	}
	if !valid(data) {
		return "the payload is no JSON"
	}
	if t == Event || t == BinaryEvent {
		return checkEvent(data)
	}
	return ""
}

// checkEvent says what is wrong with the name in the array of an event: it has
// to be a string that is not reserved, or a number (CVE-2023-32695: anything
// else ends up as the key of a table of handlers).
func checkEvent(array []byte) string {
	raw, _ := firstElement(array)
	switch {
	case len(raw) == 0:
		return "an event without a name"
	case raw[0] == '"':
		if Reserved(string(unquote(raw))) {
			return "reserved event name"
		}
	case raw[0] != '-' && (raw[0] < '0' || raw[0] > '9'):
		return "the event name is neither string nor number"
	}
	return ""
}

// excerpt is the beginning of a message, for an error.
func excerpt(text []byte) string {
	const most = 48
	if len(text) > most {
		return fmt.Sprintf("%q… (%d bytes)", text[:most], len(text))
	}
	return fmt.Sprintf("%q", text)
}

// Check says what is wrong with a packet of another format: its payload has to
// fit its type, and the event's name to be one. The error is [ErrPacket].
func Check(p *Packet) error {
	if why := checkPayload(p.Type, p.Data); why != "" {
		return fmt.Errorf("%w: %s: %s", ErrPacket, why, excerpt(p.Data))
	}
	return nil
}
