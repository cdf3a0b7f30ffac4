//go:build !race

package udp

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"

	"strata/stack"
)

// What a datagram costs in allocations is what gVisor's endpoint costs: the
// Conn around it adds none. (The race detector makes pools forget, so this is
// not tried under it.)
func TestNoAllocationOfOurOwn(t *testing.T) {
	h := stack.New(stack.Config{})
	defer func() { require.NoError(t, h.Close()) }()
	c, err := Listen(h, "udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer c.Close()
	to := c.LocalAddr().(*net.UDPAddr).AddrPort()
	payload, buf := make([]byte, 1000), make([]byte, 2000)

	full, err := stack.FullAddress(to)
	require.NoError(t, err)
	options := tcpip.WriteOptions{To: &full}
	var from bytes.Reader
	var into datagram
	endpoint := testing.AllocsPerRun(1000, func() {
		from.Reset(payload)
		_, werr := c.ep.Write(&from, options)
		into = datagram{room: buf}
		_, rerr := c.ep.Read(&into, tcpip.ReadOptions{NeedRemoteAddr: true})
		if werr != nil || rerr != nil || into.n != len(payload) {
			t.Errorf("write %v, read %v, %d bytes", werr, rerr, into.n)
		}
		c.guard.taken()
	})
	conn := testing.AllocsPerRun(1000, func() {
		_, werr := c.WriteToUDPAddrPort(payload, to)
		n, _, rerr := c.ReadFromUDPAddrPort(buf)
		if werr != nil || rerr != nil || n != len(payload) {
			t.Errorf("write %v, read %v, %d bytes", werr, rerr, n)
		}
	})
	require.LessOrEqual(t, conn, endpoint)

	// A deadline costs none either, once there has been one.
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Hour)))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := c.SetDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
	}))
}
