package link_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// Who closes an end has said its last words: they arrive, whatever the wire is
// like, and nothing that comes after them.
func TestWhatAnEndSentBeforeItsCloseArrives(t *testing.T) {
	for _, shaped := range []string{"", "delay 1s", "rate 8kbit", "delay 10ms loss 0% rate 1mbit"} {
		loop := newVirtual()
		w := link.NewWire(link.WireConfig{Loop: loop, AB: shape(t, shaped)})
		s := newSink()
		w.B().Attach(s)
		send(t, w.A(), "farewell", "cruel world")
		w.A().Close()
		w.A().Close()
		send(t, w.A(), "still here")
		loop.rest()
		require.Equal(t, []string{"farewell", "cruel world"}, s.packets, shaped)
		c := w.AB().Counters()
		require.EqualValues(t, 1, c.DroppedClosed, shaped)
		require.Zero(t, c.UnderWay, shaped)

		// The other way nobody is there.
		send(t, w.B(), "anybody?")
		loop.rest()
		require.EqualValues(t, 1, w.BA().Counters().DroppedDetached, shaped)
		require.NoError(t, w.Close())
	}
}

// When both ends are closed nothing is left on the wire, nor any timer for it.
func TestWireWithBothEndsClosedIsCut(t *testing.T) {
	loop := newVirtual()
	w := link.NewWire(link.WireConfig{Loop: loop, AB: shape(t, "delay 3600s"), BA: shape(t, "delay 3600s")})
	send(t, w.A(), "one")
	send(t, w.B(), "two")
	w.A().Close()
	require.Equal(t, 1, w.AB().Counters().UnderWay, "it may still arrive")
	w.B().Close()
	require.EqualValues(t, 1, w.AB().Counters().DroppedClosed)
	require.EqualValues(t, 1, w.BA().Counters().DroppedClosed)
	loop.rest()
	require.Less(t, loop.since(), time.Hour, "no timer waits for what is not there")
}
