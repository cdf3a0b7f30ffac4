package link_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the loss model decides can be noted, and then be repeated: the same
// packets arrive, whatever the model would say this time.
func TestOverruleLoss(t *testing.T) {
	l := newLine(t, shape(t, "delay 10ms loss 10%"))
	var lost []uint64
	asked := uint64(0)
	l.AB().OverruleLoss(func(number uint64, is bool) bool {
		asked++
		require.Equal(t, asked, number)
		if is {
			lost = append(lost, number)
		}
		return is
	})
	l.feed(t, 1000, 100, time.Millisecond)
	require.EqualValues(t, len(lost), l.AB().Counters().DroppedLoss)
	require.NotEmpty(t, lost)

	again := newLine(t, shape(t, "delay 10ms loss 90%"))
	again.AB().OverruleLoss(func(number uint64, _ bool) bool { return slices.Contains(lost, number) })
	again.feed(t, 1000, 100, time.Millisecond)
	require.Equal(t, l.far.marks(), again.far.marks())

	again.AB().OverruleLoss(nil)
	again.feed(t, 1000, 100, time.Millisecond)
	require.Greater(t, again.AB().Counters().DroppedLoss, uint64(800), "900 are what the model says, and 10 is their deviation")
}
