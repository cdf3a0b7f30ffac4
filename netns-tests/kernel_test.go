package netnstests

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"strata/lab"
	"strata/link"
	"strata/tcp"
	"strata/tun/netconf"
)

// transferSize is what one transfer sends, bytes.
const transferSize = 2 << 20

// congestionControl is that of both TCPs: gVisor's own choice, and one that every
// kernel has and allows, whatever its own is.
const congestionControl = "reno"

// transfer is what became of one connection that sent transferSize bytes.
type transfer struct {
	handshake   time.Duration // SYN to SYN-ACK
	elapsed     time.Duration // from the first byte sent to the last received
	retransmits uint64
	congestion  string // control of the sender
}

func (t transfer) goodput() float64 { return float64(transferSize) * 8 / t.elapsed.Seconds() / 1e6 }

// The same shapes under two TCPs: gVisor's in a world in virtual time, and the
// kernel's in two namespaces joined by strata link, both with the same congestion
// control, whatever the machine's is. The table is for reading
// (go test -v -run TestKernelBeside ./netns-tests); what is required of both is
// only what the wire makes impossible: a handshake faster than the path, goodput
// above the rate, and a loss that nothing repairs.
func TestKernelBeside(t *testing.T) {
	need(t, root, tunDevice)
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "both with "+congestionControl+"; shape, both ways\thandshake ms\t\tgoodput Mbit/s\t\tretransmitted\t\t")
	fmt.Fprintln(out, "\tgVisor\tkernel\tgVisor\tkernel\tgVisor\tkernel\t")
	for _, c := range []struct {
		shape string
		path  time.Duration // there and back
		rate  float64       // Mbit/s at most; 0 is without limit
		lossy bool
	}{
		{"delay 10ms rate 50mbit limit 200", 20 * time.Millisecond, 50, false},
		{"delay 40ms rate 20mbit limit 100", 80 * time.Millisecond, 20, false},
		{"delay 10ms rate 50mbit limit 200 loss 1%", 20 * time.Millisecond, 50, true},
		{"delay 25ms loss 3%", 50 * time.Millisecond, 0, true},
	} {
		ours, kernels := throughWorld(t, c.shape), throughKernel(t, c.shape)
		for name, got := range map[string]transfer{"gVisor": ours, "kernel": kernels} {
			require.Equal(t, congestionControl, got.congestion, "%s, %s", name, c.shape)
			require.GreaterOrEqual(t, got.handshake, c.path, "%s, %s: the path is longer", name, c.shape)
			if c.rate > 0 {
				require.LessOrEqual(t, got.goodput(), c.rate, "%s, %s: the wire is slower", name, c.shape)
			}
			if c.lossy {
				require.Positive(t, got.retransmits, "%s, %s: what was lost had to come again", name, c.shape)
			}
		}
		ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		fmt.Fprintf(out, "%s\t%.1f\t%.1f\t%.2f\t%.2f\t%d\t%d\t\n", c.shape, ms(ours.handshake), ms(kernels.handshake),
			ours.goodput(), kernels.goodput(), ours.retransmits, kernels.retransmits)
	}
	out.Flush()
	t.Log("one connection, 2 MiB\n" + table.String())
}

// throughWorld is the transfer between two hosts of a world.
func throughWorld(t *testing.T, shape string) (got transfer) {
	lab.Run(t, func(w *lab.World) {
		client, server := w.Host("client"), w.Host("server")
		w.Connect(client, server, link.MustParseShape(shape))
		ln := server.Listen(":80")
		received := make(chan time.Time, 1)
		go func() {
			c, err := ln.Accept()
			if err == nil {
				io.Copy(io.Discard, c)
				received <- w.Now()
				c.Close()
			}
		}()
		conn, err := client.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		c := conn.(*tcp.Conn)
		begun := w.Now()
		_, err = c.Write(make([]byte, transferSize))
		require.NoError(t, err)
		require.NoError(t, c.CloseWrite())
		got.elapsed = (<-received).Sub(begun)
		info := c.Info()
		got.handshake, got.retransmits, got.congestion = c.Handshake().RTT(), info.Retransmits, info.CongestionControl
		require.NoError(t, c.Close())
	})
	return got
}

// throughKernel is the transfer between two namespaces on strata link.
func throughKernel(t *testing.T, shape string) (got transfer) {
	j := join(t, "--shape", shape)
	var ln net.Listener
	require.NoError(t, netconf.InNamespace(j.b.name, func() (err error) {
		ln, err = net.Listen("tcp4", "10.78.0.2:8000")
		return err
	}))
	defer ln.Close()
	received := make(chan time.Time, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			io.Copy(io.Discard, c)
			received <- time.Now()
			c.Close()
		}
	}()
	var conn net.Conn
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun := time.Now()
	require.NoError(t, netconf.InNamespace(j.a.name, func() (err error) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(fd), "client")
		defer f.Close()
		if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, congestionControl); err != nil {
			return err
		}
		begun = time.Now()
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: 8000, Addr: netip.MustParseAddr("10.78.0.2").As4()}); err != nil {
			return err
		}
		got.handshake = time.Since(begun)
		conn, err = net.FileConn(f)
		return err
	}))
	c := conn.(*net.TCPConn)
	defer c.Close()
	begun = time.Now()
	_, err := c.Write(make([]byte, transferSize))
	require.NoError(t, err)
	require.NoError(t, c.CloseWrite())
	select {
	case at := <-received:
		got.elapsed = at.Sub(begun)
	case <-ctx.Done():
		require.NoError(t, ctx.Err(), "the transfer")
	}
	raw, err := c.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		info, ierr := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if ierr == nil {
			got.retransmits = uint64(info.Total_retrans)
			got.congestion, ierr = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		}
		err = ierr
	}))
	require.NoError(t, err)
	return got
}
