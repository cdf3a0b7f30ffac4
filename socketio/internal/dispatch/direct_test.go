package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/socketio/parser"
)

// A handler that is called directly gets, answers and fails as one that reflection
// calls.
func TestDirectCallsAreAsByReflection(t *testing.T) {
	var got []any
	took := func(args ...any) { got = append(got, args...) }
	for _, fn := range []any{
		func() { took("called") },
		func(s string) { took(s) },
		func(s string, ack func()) { took(s); ack() },
		func(s string, ack func(string)) { took(s); ack(s + "!"); ack("again") },
		func(s string) string { took(s); return s + "!" },
		func(b []byte) { took(b) },
		func(b []byte, ack func([]byte)) { took(b); ack(b) },
		func(r json.RawMessage) { took(r) },
		func(r json.RawMessage, ack func(any)) { took(r); ack(r) },
	} {
		h, err := NewHandler(fn)
		require.NoError(t, err)
		require.NotNil(t, h.direct, "%T", fn)
		reflected := h
		reflected.direct = nil
		for _, text := range []string{``, `,"a"`, `,"a",2,{}`, `,""`, `,"\u00fc\n"`, `,"ü"`, `,null`, `,1`, `,{"a":[1]}`, `,"aGk="`, `,"` + "\xff" + `"`} {
			for _, p := range []*parser.Packet{event(t, `20["e"`+text+`]`), withAttachment(t, `51-0["e",{"_placeholder":true,"num":0}`+text+`]`)} {
				for _, asked := range []bool{true, false} {
					call := func(h Handler) string {
						got = nil
						var to Answerer
						if asked {
							to = AnswerFunc(func(args ...any) { took("answer", args) })
						}
						_, args := p.Event()
						err := h.Call(context.Background, args, to)
						return fmt.Sprintf("%#v %v", got, err)
					}
					require.Equal(t, call(reflected), call(h), "%T with %s", fn, text)
				}
			}
		}
	}
	named := func() any {
		type handler func(string)
		return handler(func(s string) { took(s) })
	}()
	h, err := NewHandler(named)
	require.NoError(t, err)
	require.Nil(t, h.direct)
}

// withAttachment is an event of which the attachment has come.
func withAttachment(t *testing.T, text string) *parser.Packet {
	var d parser.Decoder
	_, ok, err := d.Text([]byte(text))
	require.NoError(t, err)
	require.False(t, ok)
	p, ok, err := d.Binary([]byte("attached"))
	require.NoError(t, err)
	require.True(t, ok)
	return &p
}
