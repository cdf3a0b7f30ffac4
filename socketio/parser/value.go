package parser

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"unicode/utf8"
)

// appendValue appends v as JSON, and what is []byte in it to attachments. The
// frequent simple types are written here; encoding/json does the rest.
func appendValue(dst []byte, v any, attachments *[][]byte) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return appendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case []byte:
		return appendBytes(dst, v, attachments), nil
	case json.RawMessage:
		if v == nil {
			return append(dst, "null"...), nil
		}
		if !valid(v) {
			return dst, errors.New("json.RawMessage is no valid JSON")
		}
		if !utf8.Valid(v) {
			// A text message must be UTF-8 (RFC 6455 §8.1).
			v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
		}
		return append(dst, v...), nil
	}
	if holdsBinary(v) {
		return appendReflect(dst, v, attachments)
	}
	return appendJSON(dst, v)
}

// appendBytes appends the placeholder of one more attachment. A nil slice is
// null, as it is in JSON.
func appendBytes(dst, b []byte, attachments *[][]byte) []byte {
	if b == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(len(*attachments)), 10)
	*attachments = append(*attachments, b)
	return append(dst, '}')
}

// appendString appends s as a JSON string. Unlike json.Marshal it leaves <, >
// and & as they are.
func appendString(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(append(dst, '"'), s...)
	if !plainASCII(dst[start+1:]) {
		dst, _ = appendJSON(dst[:start], s) // a string has no errors
		return dst
	}
	return append(dst, '"')
}

// plainASCII reports whether JSON has a string of these bytes as they are, of ASCII
// alone.
func plainASCII(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if eight := binary.LittleEndian.Uint64(b); !plainText(eight) || eight&(0x80*ones) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// encoders keeps json.Encoders with the buffers they write to.
var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.Encoder = json.NewEncoder(&e.buf)
	e.SetEscapeHTML(false)
	return e
}}

type encoder struct {
	*json.Encoder
	buf bytes.Buffer
}

// appendJSON appends v as encoding/json writes it, without HTML escapes and
// without the newline that its Encoder adds.
func appendJSON(dst []byte, v any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	e.buf.Reset()
	if err := e.Encode(v); err != nil {
		// An Encoder that met an error may keep it: it does not go back.
		return dst, err
	}
	dst = append(dst, bytes.TrimSuffix(e.buf.Bytes(), []byte{'\n'})...)
	if e.buf.Cap() <= 64<<10 {
		encoders.Put(e)
	}
	return dst, nil
}

// decodeSimple decodes what is frequent and simple as encoding/json would, without
// it, which looks at all of the text twice. It reports false where it is not.
func decodeSimple(raw []byte, v any) bool {
	switch v := v.(type) {
	case *string:
		text, ok := plainString(raw)
		if ok {
			*v = text
		}
		return ok
	case *int:
		n, err := strconv.ParseInt(string(raw), 10, strconv.IntSize)
		if err == nil {
			*v = int(n)
		}
		return err == nil
	case *int64:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err == nil {
			*v = n
		}
		return err == nil
	case *bool:
		switch string(raw) {
		case "true":
			*v = true
			return true
		case "false":
			*v = false
			return true
		}
	}
	return false
}

// plainString is a string without escapes; false where raw is none.
func plainString(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' || bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw) {
		return "", false
	}
	return string(raw[1 : len(raw)-1]), true
}
