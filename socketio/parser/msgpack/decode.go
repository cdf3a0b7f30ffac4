package msgpack

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"encoding/json"

	"strata/socketio/parser"
)

// What a message may ask of us, beside its size.
const (
	maxDepth       = 100
	maxAttachments = 1 << 16
)

// decoder makes packets of messages.
type decoder struct{}

var _ parser.MessageDecoder = decoder{}

func (decoder) Pending() bool { return false }

// Text refuses: this format has only binary messages.
func (decoder) Text([]byte) (parser.Packet, bool, error) {
	return parser.Packet{}, false, fmt.Errorf("%w: text, where the format is msgpack", parser.ErrPacket)
}

// Binary takes a packet. Its attachments point into data.
func (decoder) Binary(data []byte) (parser.Packet, bool, error) {
	p, err := decode(data)
	if err != nil {
		return parser.Packet{}, false, fmt.Errorf("%w: msgpack: %v", parser.ErrPacket, err)
	}
	return p, true, nil
}

func decode(data []byte) (p parser.Packet, err error) {
	defer func() {
		// The reader says that a message is too short in one place only.
		if e := recover(); e != nil {
			bad, ok := e.(malformed)
			if !ok {
				panic(e)
			}
			err = bad
		}
	}()
	r := &reader{in: data}
	c := r.byte()
	n, ok := r.mapLen(c)
	if !ok {
		return p, malformed("the packet is no map")
	}
	p.Namespace = "/"
	var hasType, hasNSP bool
	for range n {
		switch key := r.key(); key {
		case "type":
			t := r.uint()
			if t > uint64(parser.ConnectError) {
				return p, malformed("unknown packet type")
			}
			p.Type, hasType = parser.Type(t), true
		case "nsp":
			if p.Namespace = r.str(); len(p.Namespace) == 0 || p.Namespace[0] != '/' {
				return p, malformed("the namespace does not begin with a slash")
			}
			hasNSP = true
		case "id":
			if c := r.peek(); c == 0xc0 || c == 0xd4 {
				r.value(0, nil)
				continue
			}
			p.ID, p.HasID = r.uint(), true
			if p.ID > 1<<53-1 {
				return p, malformed("ack id out of range")
			}
		case "data":
			p.Attachments = nil
			if c := r.peek(); c == 0xc0 || c == 0xd4 {
				r.value(0, nil)
				continue
			}
			p.Data = r.value(0, make([]byte, 0, len(data)+16))
			p.Attachments = r.attachments
		default:
			r.value(0, nil) // the sender's options, for instance
		}
	}
	if len(r.in) > r.at {
		return p, malformed("something follows the packet")
	}
	if !hasType || !hasNSP {
		return p, malformed("type or namespace is missing")
	}
	if err := parser.Check(&p); err != nil {
		return p, err
	}
	if len(p.Attachments) > 0 {
		switch p.Type {
		case parser.Event:
			p.Type = parser.BinaryEvent
		case parser.Ack:
			p.Type = parser.BinaryAck
		default:
			return p, malformed("binary where none belongs")
		}
	}
	return p, nil
}

// malformed says what is wrong with a message.
type malformed string

func (m malformed) Error() string { return string(m) }

// reader reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md)
// and writes JSON.
type reader struct {
	in          []byte
	at          int
	attachments [][]byte
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.in)-r.at {
		panic(malformed("it ends too early"))
	}
	b := r.in[r.at : r.at+n]
	r.at += n
	return b
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) peek() byte {
	b := r.byte()
	r.at--
	return b
}

// number is an unsigned number of n bytes, big-endian.
func (r *reader) number(n int) uint64 {
	var b [8]byte
	copy(b[8-n:], r.take(n))
	return binary.BigEndian.Uint64(b[:])
}

// length is a length of n bytes, of things that take at least each bytes.
func (r *reader) length(n, each int) int {
	l := r.number(n)
	if l > uint64(len(r.in)-r.at)/uint64(each) {
		panic(malformed("a length goes beyond the end"))
	}
	return int(l)
}

func (r *reader) mapLen(c byte) (int, bool) {
	switch {
	case c&0xf0 == 0x80:
		return int(c & 0x0f), true
	case c == 0xde:
		return r.length(2, 2), true
	case c == 0xdf:
		return r.length(4, 2), true
	}
	return 0, false
}

func (r *reader) strLen(c byte) (int, bool) {
	switch {
	case c&0xe0 == 0xa0:
		return int(c & 0x1f), true
	case c >= 0xd9 && c <= 0xdb:
		return r.length(1<<(c-0xd9), 1), true
	}
	return 0, false
}

// str reads a string.
func (r *reader) str() string {
	n, ok := r.strLen(r.byte())
	if !ok {
		panic(malformed("no string where one belongs"))
	}
	return string(r.take(n))
}

// key reads a key of a map, which may also be a number.
func (r *reader) key() string {
	c := r.peek()
	if c <= 0x7f || c >= 0xe0 || c >= 0xcc && c <= 0xd3 {
		return string(r.value(0, nil))
	}
	return r.str()
}

// uint reads a number that is whole and not negative.
func (r *reader) uint() uint64 {
	n, err := strconv.ParseUint(string(r.value(0, nil)), 10, 64)
	if err != nil {
		panic(malformed("no whole number where one belongs"))
	}
	return n
}

// value appends the next value as JSON.
func (r *reader) value(depth int, dst []byte) []byte {
	if depth > maxDepth {
		panic(malformed("nested too deep"))
	}
	c := r.byte()
	if n, ok := r.strLen(c); ok {
		return appendString(dst, r.take(n))
	}
	if n, ok := r.mapLen(c); ok {
		return r.mapping(n, depth, dst)
	}
	switch {
	case c <= 0x7f:
		return strconv.AppendInt(dst, int64(c), 10)
	case c >= 0xe0:
		return strconv.AppendInt(dst, int64(int8(c)), 10)
	case c&0xf0 == 0x90:
		return r.array(int(c&0x0f), depth, dst)
	}
	switch c {
	case 0xc0:
		return append(dst, "null"...)
	case 0xc2:
		return append(dst, "false"...)
	case 0xc3:
		return append(dst, "true"...)
	case 0xc4, 0xc5, 0xc6:
		return r.bin(r.take(r.length(1<<(c-0xc4), 1)), dst)
	case 0xc7, 0xc8, 0xc9:
		n := r.length(1<<(c-0xc7), 1)
		return r.ext(int8(r.byte()), n, dst)
	case 0xca:
		return appendFloat(dst, float64(math.Float32frombits(uint32(r.number(4)))))
	case 0xcb:
		return appendFloat(dst, math.Float64frombits(r.number(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		return strconv.AppendUint(dst, r.number(1<<(c-0xcc)), 10)
	case 0xd0, 0xd1, 0xd2, 0xd3:
		n := 1 << (c - 0xd0)
		shift := 64 - 8*n
		return strconv.AppendInt(dst, int64(r.number(n)<<shift)>>shift, 10)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return r.ext(int8(r.byte()), 1<<(c-0xd4), dst)
	case 0xdc:
		return r.array(r.length(2, 1), depth, dst)
	case 0xdd:
		return r.array(r.length(4, 1), depth, dst)
	}
	panic(malformed(fmt.Sprintf("unknown type %#x", c)))
}

func (r *reader) array(n, depth int, dst []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.value(depth+1, dst)
	}
	return append(dst, ']')
}

func (r *reader) mapping(n, depth int, dst []byte) []byte {
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		key := r.key()
		// A map that says it is a placeholder would be taken for one.
		if key == "_placeholder" {
			panic(malformed("a key called _placeholder"))
		}
		dst = append(appendString(dst, []byte(key)), ':')
		dst = r.value(depth+1, dst)
	}
	return append(dst, '}')
}

func (r *reader) bin(b, dst []byte) []byte {
	if len(r.attachments) >= maxAttachments {
		panic(malformed("too many binary values"))
	}
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(len(r.attachments)), 10)
	r.attachments = append(r.attachments, b)
	return append(dst, '}')
}

// ext is what JavaScript has and MessagePack has not: undefined and dates.
func (r *reader) ext(typ int8, n int, dst []byte) []byte {
	b := r.take(n)
	switch {
	case typ == 0 && n == 1: // undefined
		return append(dst, "null"...)
	case typ == 0 && n == 8: // milliseconds
		return appendTime(dst, time.UnixMilli(int64(binary.BigEndian.Uint64(b))))
	case typ == -1 && n == 4: // seconds
		return appendTime(dst, time.Unix(int64(binary.BigEndian.Uint32(b)), 0))
	case typ == -1 && n == 8: // 30 bits of nanoseconds, 34 of seconds
		v := binary.BigEndian.Uint64(b)
		return appendTime(dst, time.Unix(int64(v&(1<<34-1)), int64(v>>34)))
	case typ == -1 && n == 12:
		return appendTime(dst, time.Unix(int64(binary.BigEndian.Uint64(b[4:])), int64(binary.BigEndian.Uint32(b))))
	}
	panic(malformed(fmt.Sprintf("unknown extension %d of %d bytes", typ, n)))
}

// appendTime writes a date as JSON.stringify does.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	return append(dst, '"')
}

func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...) // as JSON.stringify
	}
	text, _ := json.Marshal(f)
	return append(dst, text...)
}

func appendString(dst, s []byte) []byte {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			text, _ := json.Marshal(string(s))
			return append(dst, text...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
