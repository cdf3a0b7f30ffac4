package tcp_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
)

// ends are a connection over our wire in memory, whole or with every segment a packet
// of its own, and one over the kernel's loopback, the peer to measure beside.
func ends(b *testing.B, where string) (c, s net.Conn) {
	b.Helper()
	if where == "kernel" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		defer ln.Close()
		c, err = net.Dial("tcp", ln.Addr().String())
		require.NoError(b, err)
		s, err = ln.Accept()
		require.NoError(b, err)
	} else {
		c, s, _ = connected(b, link.WireConfig{NoSuperPackets: where == "segments"})
	}
	b.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

// 64 bytes there and back, one at a time.
func BenchmarkRoundTrip(b *testing.B) {
	for _, where := range []string{"strata", "kernel"} {
		b.Run(where, func(b *testing.B) {
			c, s := ends(b, where)
			go func() {
				p := make([]byte, 64)
				for {
					if _, err := io.ReadFull(s, p); err != nil {
						return
					}
					if _, err := s.Write(p); err != nil {
						return
					}
				}
			}()
			p := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(p); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBulk(b *testing.B) {
	for _, where := range []string{"strata", "segments", "kernel"} {
		b.Run(where, func(b *testing.B) {
			c, s := ends(b, where)
			done := make(chan int64)
			go func() {
				n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{s}, make([]byte, 256<<10))
				done <- n
			}()
			p := make([]byte, 256<<10)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(p); err != nil {
					b.Fatal(err)
				}
			}
			require.NoError(b, c.Close())
			require.Positive(b, <-done)
		})
	}
}

// A Read and a Write that do not wait allocate nothing: the bytes are there,
// and there is room for them.
func BenchmarkNoWait(b *testing.B) {
	c, s, _ := connected(b, link.WireConfig{})
	p := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(s, p); err != nil {
			b.Fatal(err)
		}
	}
}

// Messages of 100 bytes without an answer, written and read one at a time, 8 KiB
// of them in one operation.
func BenchmarkSmallWrites(b *testing.B) {
	for _, where := range []string{"strata", "kernel"} {
		b.Run(where, func(b *testing.B) {
			const size, count = 100, 80
			c, s := ends(b, where)
			go func() {
				p := make([]byte, size)
				for {
					for range count {
						if _, err := c.Write(p); err != nil {
							return
						}
					}
				}
			}()
			p := make([]byte, size)
			b.SetBytes(size * count)
			for b.Loop() {
				for range count {
					if _, err := io.ReadFull(s, p); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
