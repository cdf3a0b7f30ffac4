package link_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
)

func TestParseBothWays(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		shape       string
		back        *string
		there, home string
	}{
		{"delay 80ms loss 1%", nil, "delay 80ms loss 1%", "delay 80ms loss 1%"},
		{"delay 80ms", text(""), "delay 80ms", ""},
		{"", text("rate 1mbit"), "", "rate 1mbit"},
		{"", nil, "", ""},
		// An access link: down to the user, and up.
		{"preset lte", nil, "preset lte down", "preset lte up"},
		{" preset  lte\tloss 1% ", nil, "preset lte down loss 1%", "preset lte up loss 1%"},
		{"preset lte up", nil, "preset lte up", "preset lte up"},
		{"preset lte down", nil, "preset lte down", "preset lte down"},
		{"preset lte", text("preset dsl up"), "preset lte", "preset dsl up"},
	} {
		there, home, err := link.ParseBothWays(c.shape, c.back)
		require.NoError(t, err, c.shape)
		require.Equal(t, link.MustParseShape(c.there), there, c.shape)
		require.Equal(t, link.MustParseShape(c.home), home, c.shape)
	}
	_, _, err := link.ParseBothWays("delay banana", nil)
	require.ErrorContains(t, err, "banana")
	_, _, err = link.ParseBothWays("", text("loss lots"))
	require.ErrorContains(t, err, "lots")
}
