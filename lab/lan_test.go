package lab_test

import (
	"context"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
)

// On a LAN everybody reaches everybody, once who has which address was asked:
// that is a round trip, and so is what it is asked for. Each is by two wires.
func TestLAN(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		hosts := []*lab.Host{w.Host("a"), w.Host("b"), w.Host("c")}
		lan := w.LAN(link.MustParseShape("delay 1ms"), hosts...)
		for _, from := range hosts {
			for _, to := range hosts {
				if from == to {
					continue
				}
				for _, addr := range []netip.Addr{to.Addr(), to.Addr6()} {
					_, err := from.Ping(w.Context(), addr)
					require.NoError(t, err)
					rtt, err := from.Ping(w.Context(), addr)
					require.NoError(t, err)
					require.Equal(t, 4*time.Millisecond, rtt)
				}
			}
		}
		require.Equal(t, 3, lan.Switch.Stations())
		require.NotZero(t, lan.Wire(hosts[0]).AB().Counters().Delivered)
	})
}

// A router on two LANs is the way from one to the other, and a wire behind it
// the way out.
func TestLANsBehindARouter(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		phone, printer, office, server := w.Host("phone"), w.Host("printer"), w.Host("office"), w.Host("server")
		router := w.Router("router")
		w.LAN(link.Shape{}, phone, printer, router)
		w.LAN(link.Shape{}, office, router)
		w.Connect(router, server, link.MustParseShape("delay 20ms"))
		for _, pair := range [][2]*lab.Host{{phone, printer}, {phone, office}, {office, server}, {server, phone}, {printer, router}} {
			for _, addr := range []netip.Addr{pair[1].Addr(), pair[1].Addr6()} {
				_, err := pair[0].Ping(w.Context(), addr)
				require.NoError(t, err, "%s to %v", pair[0].Name(), addr)
			}
		}
		ln := server.Listen(":80")
		go func() {
			c, err := ln.Accept()
			if err == nil {
				c.Write(make([]byte, 300_000))
				c.Close()
			}
		}()
		c, err := phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Len(t, got, 300_000)
		c.Close()
	})
}

// A partition goes through a LAN as through wires: each side is whole, and
// healing joins them.
func TestPartitionOfALAN(t *testing.T) {
	lab.Run(t, func(w *lab.World) {
		a, b, c, d := w.Host("a"), w.Host("b"), w.Host("c"), w.Host("d")
		w.LAN(link.MustParseShape("delay 1ms"), a, b, c, d)
		reaches := func(from, to *lab.Host) bool {
			ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
			defer cancel()
			_, err := from.Ping(ctx, to.Addr())
			return err == nil
		}
		require.True(t, reaches(a, d))
		cut := w.Partition(a, b)
		require.True(t, reaches(a, b))
		require.True(t, reaches(d, c))
		require.False(t, reaches(a, d))
		require.False(t, reaches(c, b))
		cut.Heal()
		require.True(t, reaches(a, d))
		require.True(t, reaches(c, b))
	})
}
