package link

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadDistribution(t *testing.T) {
	got, err := ReadDistribution(strings.NewReader("# sigma is 8192\n\n-8192 0\t4096\n  32767\n-32768"), "x.dist")
	require.NoError(t, err)
	require.Equal(t, Distribution{Kind: Samples, Name: "x.dist", Table: []float64{-1, 0, 0.5, 32767.0 / 8192, -4}}, got)

	for in, want := range map[string]string{
		"":          "x.dist: no numbers in it",
		"# nothing": "x.dist: no numbers in it",
		"1 2\n3 x4": `x.dist: line 2: "x4" is not a whole number from -32768 to 32767`,
		"32768":     `x.dist: line 1: "32768" is not a whole number from -32768 to 32767`,
		"0.5":       `x.dist: line 1: "0.5" is not a whole number from -32768 to 32767`,
		" # late":   `x.dist: line 1: "#" is not a whole number from -32768 to 32767`,
	} {
		_, err := ReadDistribution(strings.NewReader(in), "x.dist")
		require.EqualError(t, err, want, in)
	}
}

// The tables that iproute2 installs are read, and are what they are called.
func TestReadDistributionOfTC(t *testing.T) {
	files, err := filepath.Glob("/usr/lib/*/tc/normal.dist")
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("no table of iproute2 on this machine")
	}
	f, err := os.Open(files[0])
	require.NoError(t, err)
	defer f.Close()
	d, err := ReadDistribution(f, "normal.dist")
	require.NoError(t, err)
	sum, squares := 0.0, 0.0
	for _, v := range d.Table {
		sum += v
		squares += v * v
	}
	n := float64(len(d.Table))
	// 4096 quantiles of the standard normal: mean 0 and sigma 1, but for the
	// tails that end at four sigma and rounding to 1/8192.
	require.InDelta(t, 0, sum/n, 0.01)
	require.InDelta(t, 1, math.Sqrt(squares/n), 0.01)
}

func FuzzReadDistribution(f *testing.F) {
	for _, seed := range []string{"", "# c\n1 2 3", "32767 -32768", "x", "1\n\n2", "99999"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ReadDistribution(bytes.NewReader(data), "x")
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.NoError(t, Shape{Delay: Delay{Time: 1, Jitter: 1, Distribution: d}}.Validate())
	})
}
