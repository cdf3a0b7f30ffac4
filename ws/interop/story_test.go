package interop

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The sizes are those about which a frame's header changes, the smallest, and one
// that fits into no buffer.
var sizes = []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20}

// fragmented is the size of messages in three fragments: more than a library
// keeps in its buffer.
const fragmented = 300_000

// text is n bytes of UTF-8, in sequences of one to four bytes.
func text(n int) []byte {
	const cycle = "aé€🚀"
	return []byte(strings.Repeat(cycle, n/len(cycle)) + strings.Repeat("x", n%len(cycle)))
}

// binary is n bytes without a short period.
func binary(n int) []byte {
	p := make([]byte, n)
	for i, x := 0, uint32(n)|1; i < n; i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		p[i] = byte(x)
	}
	return p
}

// thirds cuts a message, also within a character.
func thirds(p []byte) [][]byte {
	return [][]byte{p[:len(p)/3+1], p[len(p)/3+1 : len(p)*2/3], p[len(p)*2/3:]}
}

// echo is the server of these tests: it sends each message back as it came, but
// obeys texts that begin with "do: ":
//
//	do: fragments N            sends text(N) in three fragments
//	do: ping                   pings, and says "ponged" when the pong is there
//	do: close CODE REASON      closes
//
// It returns how the connection ended.
func echo(c conn) error {
	for {
		m, err := c.box().read()
		if err != nil {
			return err
		}
		order, isOrder := strings.CutPrefix(string(m.payload[:min(len(m.payload), 200)]), "do: ")
		if !m.text || !isOrder {
			if err := c.send(m.text, m.payload); err != nil {
				return err
			}
			continue
		}
		what, rest, _ := strings.Cut(order, " ")
		switch what {
		case "fragments":
			var n int
			if n, err = strconv.Atoi(rest); err == nil {
				err = c.send(true, thirds(text(n))...)
			}
		case "ping":
			if err = pinged(c); err == nil {
				err = c.send(true, []byte("ponged"))
			}
		case "close":
			number, reason, _ := strings.Cut(rest, " ")
			var code int
			if code, err = strconv.Atoi(number); err == nil {
				err = c.close(code, reason)
			}
		default:
			err = fmt.Errorf("an order of which nobody knows: %q", order)
		}
		if err != nil {
			return err
		}
	}
}

// What the client sends with its close frame, and has the server send with its.
var (
	byClient = closed{3999, "enough ✓"}
	byServer = closed{4001, "see you ✓"}
)

// tell is the client's story: everything that the two can do, on one connection,
// until the server closes it.
func tell(t *testing.T, c conn, without lacks) {
	require.Equal(t, subprotocols[1], c.subprotocol(), "the subprotocol that both know")

	expect := func(what string, text bool, want []byte) {
		t.Helper()
		m, err := c.box().read()
		require.NoError(t, err, what)
		require.Equal(t, text, m.text, what)
		require.True(t, bytes.Equal(want, m.payload), "%s: other bytes came back, %d of them", what, len(m.payload))
	}
	do := func(order string, args ...any) {
		t.Helper()
		require.NoError(t, c.send(true, fmt.Appendf(nil, "do: "+order, args...)))
	}

	for _, n := range sizes {
		for kind, p := range map[string][]byte{"text": text(n), "binary": binary(n)} {
			require.NoError(t, c.send(kind == "text", p))
			expect(fmt.Sprint(kind, " of ", n, " bytes"), kind == "text", p)
		}
	}
	if !without.fragments {
		for kind, p := range map[string][]byte{"text": text(fragmented), "binary": binary(fragmented)} {
			require.NoError(t, c.send(kind == "text", thirds(p)...))
			expect(kind+" in fragments", kind == "text", p)
		}
		do("fragments %d", fragmented)
		expect("text in the server's fragments", true, text(fragmented))
	}
	if !without.pings {
		require.NoError(t, pinged(c))
		do("ping")
		expect("after the server's ping", true, []byte("ponged"))
	}
	do("close %d %s", byServer.Code, byServer.Reason)
	requireEnd(t, c, byServer, without)
}

// requireEnd waits for the end of the connection by the peer's close frame.
func requireEnd(t *testing.T, c conn, want closed, without lacks) {
	t.Helper()
	_, err := c.box().read()
	var got closed
	if without.codes {
		require.Error(t, err)
		if errors.As(err, &got) {
			require.Equal(t, 1000, got.Code)
		}
		return
	}
	require.ErrorAs(t, err, &got)
	require.Equal(t, want, got)
}
