package msgpack

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"strata/socketio/parser"
)

// Format is the format, for Options.Parser of the server and of the client.
var Format parser.Format = format{}

type format struct{}

// NewDecoder is a decoder; it keeps nothing.
func (format) NewDecoder() parser.MessageDecoder { return decoder{} }

// Append appends the packet. It is always binary.
func (format) Append(dst []byte, p *parser.Packet) ([]byte, bool) {
	t := p.Type
	switch t {
	case parser.BinaryEvent:
		t = parser.Event
	case parser.BinaryAck:
		t = parser.Ack
	}
	members := 2
	if len(p.Data) > 0 {
		members++
	}
	if p.HasID {
		members++
	}
	nsp := p.Namespace
	if nsp == "" {
		nsp = "/"
	}
	dst = append(dst, 0x80|byte(members))
	dst = append(writeString(dst, []byte("type")), byte(t))
	if len(p.Data) > 0 {
		dst = writeString(dst, []byte("data"))
		d := json.NewDecoder(bytes.NewReader(p.Data))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			v = nil // Data is JSON: the caller's promise
		}
		dst = writeValue(dst, v, p.Attachments)
	}
	if p.HasID {
		dst = writeUint(writeString(dst, []byte("id")), p.ID)
	}
	return writeString(writeString(dst, []byte("nsp")), []byte(nsp)), true
}

func writeValue(dst []byte, v any, attachments [][]byte) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return append(dst, 0xc3)
		}
		return append(dst, 0xc2)
	case json.Number:
		return writeNumber(dst, v)
	case string:
		return writeString(dst, []byte(v))
	case []any:
		dst = writeLen(dst, len(v), 0x90, 15, 0xdc)
		for _, e := range v {
			dst = writeValue(dst, e, attachments)
		}
		return dst
	case map[string]any:
		if is, _ := v["_placeholder"].(bool); is {
			if n, ok := v["num"].(json.Number); ok {
				if i, err := strconv.Atoi(n.String()); err == nil && i >= 0 && i < len(attachments) {
					return writeBin(dst, attachments[i])
				}
			}
		}
		dst = writeLen(dst, len(v), 0x80, 15, 0xde)
		for key, e := range v {
			dst = writeValue(writeString(dst, []byte(key)), e, attachments)
		}
		return dst
	}
	return append(dst, 0xc0)
}

// writeLen writes the length of an array or map: in the type where it fits, in
// two bytes or four after the type wide or the next.
func writeLen(dst []byte, n int, fix byte, most int, wide byte) []byte {
	switch {
	case n <= most:
		return append(dst, fix|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, wide), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, wide+1), uint32(n))
}

func writeString(dst, s []byte) []byte {
	if n := len(s); n > 31 && n <= math.MaxUint8 {
		dst = append(dst, 0xd9, byte(n))
	} else {
		dst = writeLen(dst, n, 0xa0, 31, 0xda)
	}
	return append(dst, s...)
}

func writeBin(dst, b []byte) []byte {
	switch n := len(b); {
	case n <= math.MaxUint8:
		dst = append(dst, 0xc4, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xc5), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xc6), uint32(n))
	}
	return append(dst, b...)
}

func writeUint(dst []byte, n uint64) []byte {
	switch {
	case n <= 0x7f:
		return append(dst, byte(n))
	case n <= math.MaxUint8:
		return append(dst, 0xcc, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcf), n)
}

func writeNumber(dst []byte, n json.Number) []byte {
	if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return writeUint(dst, u)
	}
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		switch {
		case i >= -32:
			return append(dst, byte(i))
		case i >= math.MinInt8:
			return append(dst, 0xd0, byte(i))
		case i >= math.MinInt16:
			return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(i))
		case i >= math.MinInt32:
			return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(i))
		}
		return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(i))
	}
	f, err := n.Float64()
	if err != nil {
		return append(dst, 0xc0)
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}
