package names_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/names"
)

// BenchmarkLookup is one question to our server, from host to host over a wire,
// by a new endpoint; and the same from the cache.
func BenchmarkLookup(b *testing.B) {
	for name, size := range map[string]int{"asked": -1, "cached": 0} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			serve(b, names.ServerConfig{}, w.udp, w.tcp)
			r, err := names.NewResolver(names.ResolverConfig{Dial: dialFrom(w.client), Servers: []netip.AddrPort{atServer}, CacheSize: size})
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.LookupNetIP(b.Context(), "ip4", "www.strata.test"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
