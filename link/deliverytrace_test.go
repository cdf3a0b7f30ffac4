package link

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadDeliveryTrace(t *testing.T) {
	for in, want := range map[string][]uint32{
		"1":                  {1},
		"1\n":                {1},
		"0\n0\n0\n5\n":       {0, 0, 0, 5}, // three packets at once
		"7\n7\n900\n":        {7, 7, 900},  // a gap is an outage, not a fault
		"1\r\n2\r\n":         {1, 2},
		"4294967295\n":       {1<<32 - 1},
		"0001\n0000000002":   {1, 2},
		"1\n2\n3\n4\n5\n5\n": {1, 2, 3, 4, 5, 5},
	} {
		got, err := ReadDeliveryTrace(strings.NewReader(in), "x.down")
		require.NoError(t, err, "%q", in)
		require.Equal(t, &DeliveryTrace{Name: "x.down", At: want}, got)
	}
}

// What mahimahi refuses is refused, with the line.
func TestReadDeliveryTraceRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "x.down: the trace is empty",
		"\n":                  "x.down: line 1: empty; every line is a millisecond",
		"1\n\n3\n":            "x.down: line 2: empty; every line is a millisecond",
		"1\n2\n\n":            "x.down: line 3: empty; every line is a millisecond",
		"5\n4\n":              "x.down: line 2: 4 comes after 5; the numbers never fall",
		"-1\n":                `x.down: line 1: "-1" is not a whole number of milliseconds`,
		"1.5\n":               `x.down: line 1: "1.5" is not a whole number of milliseconds`,
		" 1\n":                `x.down: line 1: " 1" is not a whole number of milliseconds`,
		"+1\n":                `x.down: line 1: "+1" is not a whole number of milliseconds`,
		"# made by hand\n1\n": `x.down: line 1: "# made by hand" is not a whole number of milliseconds`,
		"0\n0\n":              "x.down: the trace has no length: its last number is 0",
		"1\n4294967296\n":     "x.down: line 2: 4294967296 milliseconds are too many",
		"1\n\x00\xff\x1b[2J":  `x.down: line 2: "\x00\xff\x1b[2J" is not a whole number of milliseconds`,
	} {
		_, err := ReadDeliveryTrace(strings.NewReader(in), "x.down")
		require.EqualError(t, err, want, "%q", in)
	}
	_, err := ReadDeliveryTrace(strings.NewReader(""), "two\nlines")
	require.EqualError(t, err, `"two\nlines": the trace is empty`)
}

// A file that never ends is given up, in lines, in bytes and in one line.
func TestReadersAreBounded(t *testing.T) {
	_, err := ReadDeliveryTrace(endless("1\n"), "x")
	require.EqualError(t, err, "x: line 4194305: more than 4194304 lines")
	_, err = ReadDeliveryTrace(endless("00000000000000000000000001\n"), "x")
	require.EqualError(t, err, "x: larger than 67108864 bytes")
	_, err = ReadDeliveryTrace(endless("0"), "x")
	require.EqualError(t, err, "x: line 1: bufio.Scanner: token too long")

	_, err = ReadDistribution(endless("1 "), "x")
	require.Error(t, err)
	_, err = ReadDistribution(endless("1\n"), "x")
	require.EqualError(t, err, "x: line 16385: more than 16384 numbers")
	_, err = ReadDistribution(endless("# nothing\n"), "x")
	require.EqualError(t, err, "x: larger than 1048576 bytes")

	broken := errors.New("the disk is gone")
	_, err = ReadDeliveryTrace(io.MultiReader(strings.NewReader("1\n"), failing{broken}), "x")
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "x: line 2: the disk is gone")
}

// endless repeats itself for ever.
type endless string

func (e endless) Read(b []byte) (int, error) {
	n := 0
	for n+len(e) <= len(b) {
		n += copy(b[n:], e)
	}
	if n == 0 {
		n = copy(b, e) // the rest of a buffer; a cut line is a line, too
	}
	return n, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReadDeliveryTrace(f *testing.F) {
	for _, seed := range []string{"", "1\n", "0\n0\n5\n", "1\n\n3\n", "5\n4", "-1", "4294967296\n", "1\r\n2", "0\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		trace, err := ReadDeliveryTrace(bytes.NewReader(data), "x")
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.Nil(t, trace)
			return
		}
		// What is accepted has a line for each number, and is a valid shape.
		require.Len(t, trace.At, bytes.Count(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))+1)
		require.NoError(t, Shape{Trace: trace}.Validate())
	})
}
