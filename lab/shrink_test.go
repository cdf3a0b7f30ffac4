package lab_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/internal/echo"
	"strata/lab"
	"strata/link"
)

// patience fetches twenty pieces over a wire, and fails where all of that takes
// more than three seconds: a tenth of the packets are lost, so it does at times.
func patience(shape link.Shape, rules func(*lab.Wire)) func(w *lab.World) error {
	return func(w *lab.World) error {
		server, phone := w.Host("server"), w.Host("phone")
		wire := w.Connect(phone, server, shape)
		if rules != nil {
			rules(wire)
		}
		go echo.Serve(server.Listen(":80"))
		c, err := phone.DialContext(w.Context(), "tcp", "server:80")
		if err != nil {
			return err
		}
		defer c.Close()
		p := make([]byte, 100)
		for range 20 {
			c.Write(p)
			if _, err := io.ReadFull(c, p); err != nil {
				return err
			}
		}
		if took := w.Elapsed(); took > 3*time.Second {
			return fmt.Errorf("it took %v", took.Round(time.Second))
		}
		return nil
	}
}

// Of all that a bad wire has lost, Shrink finds the few packets that are to
// blame. The rules that it prints fail without any other loss, and with one of
// them left out nothing does.
func TestShrink(t *testing.T) {
	var found *lab.Shrunk
	for seed := uint64(1); found == nil; seed++ {
		require.Less(t, seed, uint64(50))
		found = lab.Shrink(t, patience(link.MustParseShape("delay 20ms loss 15%"), nil), lab.Seed(seed))
	}
	require.False(t, found.Stopped)
	require.NotEmpty(t, found.Lost)
	require.Less(t, len(found.Lost), found.Of)
	for _, l := range found.Lost {
		require.Contains(t, found.String(), l.Packet)
	}

	with := func(lost []lab.Lost) error {
		var failed error
		lab.Run(t, func(w *lab.World) {
			failed = patience(link.MustParseShape("delay 20ms"), func(wire *lab.Wire) {
				var ab, ba []uint64
				for _, l := range lost {
					require.Equal(t, wire.Name, l.Wire)
					if l.FromA {
						ab = append(ab, l.Number)
					} else {
						ba = append(ba, l.Number)
					}
				}
				wire.AB().Rule(link.DropNumbers(ab...))
				wire.BA().Rule(link.DropNumbers(ba...))
			})(w)
		}, lab.Seed(found.Seed))
		return failed
	}
	require.EqualError(t, with(found.Lost), found.Err.Error())
	for i := range found.Lost {
		require.NoError(t, with(append(append([]lab.Lost(nil), found.Lost[:i]...), found.Lost[i+1:]...)), "without %v", found.Lost[i])
	}
}

// What fails without any loss is said to, after two runs; and a world that fails
// by its own expectations fails only itself.
func TestShrinkWithoutNeed(t *testing.T) {
	found := lab.Shrink(t, func(w *lab.World) error {
		patience(link.MustParseShape("loss 5%"), nil)(w)
		w.Within(time.Second, func() bool { return false })
		return nil
	})
	require.Empty(t, found.Lost)
	require.Equal(t, 2, found.Runs)
	require.ErrorContains(t, found.Err, "it did not happen within 1s")
	require.Nil(t, lab.Shrink(t, patience(link.Shape{}, nil)))
}
