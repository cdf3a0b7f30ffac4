package tcp_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/tcp"
)

// In the middle of a transfer each way the wire gets a shape and loses it again,
// so that TCP's super-segments pass whole, are cut, and overtake nobody: every
// byte arrives, and no connection ends.
func TestShapeChangesMidTransfer(t *testing.T) {
	const size = 2 << 20
	for _, c := range []struct {
		name string
		wire link.WireConfig
	}{
		{"super-packets", link.WireConfig{}},
		{"an odd MTU", link.WireConfig{MTU: 1001}},
		{"checksums", link.WireConfig{NoOffload: true}},
		{"Ethernet", link.WireConfig{Ethernet: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server, w := hosts(t, c.wire)
			ln, err := tcp.Listen(server, "tcp", "10.0.0.2:80")
			require.NoError(t, err)
			defer ln.Close()
			here, there := connect(t, client, ln)

			// What has arrived turns the page: each shape has its share.
			// None of them loses a packet, so that none is sent again for long: a
			// window that has grown on a perfect wire and meets a short queue loses
			// hundreds of segments, of which gVisor repairs two for each RTO.
			shapes := []string{"delay 1ms", "", "rate 200mbit limit 100000", "delay 1ms 500us", "", "rate 500mbit delay 500us limit 100000"}
			shares := len(shapes)
			pages := make(chan int, 2*shares)
			results := make(chan error, 4)
			for i, ends := range [][2]*tcp.Conn{{here, there}, {there, here}} {
				data := make([]byte, size)
				rand.NewChaCha8([32]byte{byte(i)}).Read(data)
				go func() {
					_, err := ends[0].Write(data)
					if err == nil {
						err = ends[0].CloseWrite()
					}
					results <- err
				}()
				go func() { results <- arrives(ends[1], data, pages, shares) }()
			}
			for done := 0; done < cap(results); {
				select {
				case <-pages:
					shape := link.MustParseShape(shapes[0])
					require.NoError(t, w.Set(shape, shape))
					shapes = append(shapes[1:], shapes[0])
				case err := <-results:
					require.NoError(t, err, "%s: %v%v", shapes[len(shapes)-1], tcp.Netstat(client), tcp.Netstat(server))
					done++
				}
			}
			for _, d := range []*link.Direction{w.AB(), w.BA()} {
				require.Zero(t, d.Counters().Dropped())
			}
		})
	}
}

// arrives reads data, and says so each time a share of it was there.
func arrives(c *tcp.Conn, data []byte, page chan<- int, shares int) error {
	sum, got := sha256.New(), 0
	for n := range shares {
		share := len(data) / shares
		if n == shares-1 {
			share = len(data) - got
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		m, err := io.CopyN(sum, c, int64(share))
		got += int(m)
		if err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", got, len(data), err)
		}
		page <- n
	}
	if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
		return fmt.Errorf("behind the last byte: %d bytes, %v", n, err)
	}
	if [sha256.Size]byte(sum.Sum(nil)) != sha256.Sum256(data) {
		return fmt.Errorf("other bytes arrived than were sent")
	}
	return nil
}
