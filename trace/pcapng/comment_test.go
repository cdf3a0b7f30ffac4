package pcapng

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// A copy has everything that was there, and the comments that were given,
// behind those that were there.
func TestComment(t *testing.T) {
	var before, after bytes.Buffer
	w, err := NewWriter(&before, Options{App: "strata test"})
	require.NoError(t, err)
	id, err := w.AddInterface(Interface{Name: "a", LinkType: LinkTypeRaw})
	require.NoError(t, err)
	require.NoError(t, w.WriteSecrets(Secrets{Type: TLSKeyLog, Data: []byte("key\n")}))
	for _, comment := range []string{"", "first", "first"} {
		require.NoError(t, w.WritePacket(id, Packet{Time: noon, Dir: trace.In, Data: [][]byte{{1, 2}}, OrigLen: 9, Comment: comment}))
	}
	require.NoError(t, w.Close())
	whole := bytes.Clone(before.Bytes())

	add := []string{"new", "second", ""}
	require.NoError(t, Comment(&after, &before, func(i Interface, p Packet) string {
		require.Equal(t, "a", i.Name)
		c := add[0]
		add = add[1:]
		return c
	}))
	got := readAll(t, &after)
	want := readAll(t, bytes.NewReader(whole))
	for i, comment := range []string{"new", "first; second", "first"} {
		c := want[3+i].(Captured)
		c.Comment = comment
		want[3+i] = c
	}
	require.Equal(t, want, got)
}

// What cannot be copied is refused, and says so.
func TestCommentRefuses(t *testing.T) {
	var one, out bytes.Buffer
	w, err := NewWriter(&one, Options{})
	require.NoError(t, err)
	id, err := w.AddInterface(Interface{})
	require.NoError(t, err)
	require.NoError(t, w.WritePacket(id, Packet{Time: noon}))
	require.NoError(t, w.Close())
	none := func(Interface, Packet) string { return "" }

	require.ErrorIs(t, Comment(&out, strings.NewReader("no capture"), none), ErrFormat)
	twice := append(bytes.Clone(one.Bytes()), one.Bytes()...)
	require.ErrorContains(t, Comment(&out, bytes.NewReader(twice), none), "several sections")
	long := func(Interface, Packet) string { return strings.Repeat("x", maxOption+1) }
	require.ErrorContains(t, Comment(&out, bytes.NewReader(one.Bytes()), long), "65536 bytes")
	require.ErrorIs(t, Comment(&failing{n: 3}, bytes.NewReader(one.Bytes()), none), errFull)
	require.Error(t, Comment(&out, bytes.NewReader(one.Bytes()[:one.Len()-4]), none))
}
