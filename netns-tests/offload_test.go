package netnstests

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
	"strata/tcp"
	"strata/trace"
	"strata/tun"
	"strata/tun/netconf"
)

// supers counts the TCP super-segments of each direction: those at all, and those
// with a flag that a card must put on the last of their segments only.
type supers struct {
	all, psh, fin [3]atomic.Int64 // by direction
	mss           atomic.Int64    // payload a segment, of the last one that came in
	ip            atomic.Int64    // bytes of its IPv4 header
}

func (s *supers) see(dir trace.Direction, pkt *gstack.PacketBuffer, v *link.View) bool {
	if mss := int(pkt.GSOOptions.MSS); v.TCP != nil && mss != 0 && v.PayloadLen > mss {
		s.all[dir].Add(1)
		if v.TCP.Flags()&header.TCPFlagPsh != 0 {
			s.psh[dir].Add(1)
		}
		if v.TCP.Flags()&header.TCPFlagFin != 0 {
			s.fin[dir].Add(1)
		}
		if dir == trace.In {
			s.mss.Store(int64(mss))
			if v.IPv4 != nil {
				s.ip.Store(int64(v.IPv4.HeaderLength()))
			}
		}
	}
	return true
}

// What segmentation has to get right beside plain bulk: every byte arrives where
// the MSS is odd, where headers have options or none, in IP too, and where PSH and
// FIN are on a packet that stands for many segments.
func TestSuperSegments(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	for _, c := range []struct {
		name    string
		options string // "0": neither timestamps nor SACK
		set     func(fd int) error
		mss     [2]int // what a segment then carries, over IPv4 and IPv6; 0 is not checked
	}{
		{"as it comes", "1", func(int) error { return nil }, [2]int{1448, 1428}},
		{"no options", "0", func(int) error { return nil }, [2]int{1460, 1440}},
		{"an MSS of 537", "1", maxSegment(537), [2]int{525, 525}},
		{"an MSS of 1001, no options", "0", maxSegment(1001), [2]int{1001, 1001}},
		{"options of IP", "1", func(fd int) error {
			return unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, "\x01\x01\x01\x00")
		}, [2]int{}},
	} {
		for _, tap := range []bool{false, true} {
			for i, to := range []netip.AddrPort{netip.AddrPortFrom(besieged4, 81), netip.AddrPortFrom(besieged6, 81)} {
				if to.Addr().Is6() && c.name == "options of IP" {
					continue // they are IPv4's
				}
				t.Run(fmt.Sprintf("%s, TAP %v, %v", c.name, tap, to.Addr()), func(t *testing.T) {
					s := besiegeDevice(t, tun.Config{TAP: tap, Offload: tun.On})
					require.NoError(t, netconf.InNamespace(s.ns.name, func() error {
						for _, option := range []string{"tcp_timestamps", "tcp_sack"} {
							if err := os.WriteFile("/proc/sys/net/ipv4/"+option, []byte(c.options), 0); err != nil {
								return err
							}
						}
						return nil
					}))
					var seen supers
					defer s.host.Inspect(seen.see)()
					ln, err := tcp.Listen(s.host, "tcp", ":81")
					require.NoError(t, err)
					defer ln.Close()
					// The kernel puts a FIN on what is still to be sent, if there is
					// something: so again until there was.
					for begun := time.Now(); seen.fin[trace.In].Load() == 0; {
						require.Less(t, time.Since(begun), patience, "a FIN on a super-segment")
						exchangeSums(t, s, ln, to, c.set)
					}
					require.NotZero(t, seen.psh[trace.In].Load())
					require.NotZero(t, seen.all[trace.Out].Load())
					require.NotZero(t, seen.psh[trace.Out].Load())
					if want := c.mss[i]; want != 0 {
						require.EqualValues(t, want, seen.mss.Load(), "the kernel's segments")
					}
					if c.name == "options of IP" {
						require.EqualValues(t, 24, seen.ip.Load())
					}
					require.Zero(t, s.dev.Stats().InDrops)
					require.Zero(t, s.host.Stack().Stats().TCP.ChecksumErrors.Value())
				})
			}
		}
	}
}

// maxSegment sets the MSS that a socket announces and keeps to.
func maxSegment(mss int) func(fd int) error {
	return func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, mss) }
}

// exchangeSums sends some megabytes each way on a connection of a kernel socket
// that set was called for, and compares their sums.
func exchangeSums(t *testing.T, s *siege, ln *tcp.Listener, to netip.AddrPort, set func(fd int) error) {
	t.Helper()
	dialer := net.Dialer{Timeout: patience, Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if cerr := raw.Control(func(fd uintptr) { err = set(int(fd)) }); cerr != nil {
			return cerr
		}
		return err
	}}
	var kernel net.Conn
	require.NoError(t, netconf.InNamespace(s.ns.name, func() (err error) {
		kernel, err = dialer.DialContext(context.Background(), "tcp", to.String())
		return err
	}))
	defer kernel.Close()
	ours, err := ln.AcceptTCP()
	require.NoError(t, err)
	defer ours.Close()
	results := make(chan error, 2)
	go func() { results <- carry(kernel.(*net.TCPConn), ours, 1) }()
	go func() { results <- carry(ours, kernel.(*net.TCPConn), 2) }()
	require.NoError(t, <-results)
	require.NoError(t, <-results)
}

// halfCloser is what both TCPs' connections are.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

var (
	_ halfCloser = (*net.TCPConn)(nil)
	_ halfCloser = (*tcp.Conn)(nil)
)

// carry sends bytes that the seed decides, and compares what arrives.
func carry(from, to halfCloser, seed byte) error {
	data := make([]byte, 3_000_001)
	rand.NewChaCha8([32]byte{seed}).Read(data)
	deadline := time.Now().Add(patience)
	if err := from.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if err := to.SetReadDeadline(deadline); err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(data)
		if err == nil {
			err = from.CloseWrite()
		}
		sent <- err
	}()
	sum := sha256.New()
	n, err := io.Copy(sum, to)
	if err != nil {
		return fmt.Errorf("after %d bytes: %w", n, err)
	}
	if [sha256.Size]byte(sum.Sum(nil)) != sha256.Sum256(data) {
		return fmt.Errorf("%d bytes arrived, and others than the %d that were sent", n, len(data))
	}
	return <-sent
}
