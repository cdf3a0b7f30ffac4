package netnstests

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/tun/netconf"
)

// A joint is "strata link --json" between two namespaces.
type joint struct {
	*process
	a, b *namespace
}

// join starts one between two new namespaces and returns when it carries. The
// test's end stops it, and checks that nothing is left of it.
func join(t testing.TB, args ...string) *joint {
	t.Helper()
	j := &joint{a: newNamespace(t), b: newNamespace(t)}
	j.process = start(t, exec.Command(strata, append([]string{"link", "--json", "--between", j.a.name + "," + j.b.name}, args...)...))
	t.Cleanup(func() {
		if !j.gone() && !t.Failed() {
			j.stop(t)
		}
	})
	report[struct{}](t, j.process, "ready")
	return j
}

// stop stops it as "kill" does, and gives its last words.
func (j *joint) stop(t testing.TB) crossed {
	t.Helper()
	j.signal(t, syscall.SIGTERM)
	last := report[crossed](t, j.process, "closed")
	require.Equal(t, 0, j.exit(t), "exit status; standard error: %s", j.stderr.tail())
	require.NotContains(t, j.stderr.String(), "DATA RACE")
	j.a.requireBare(t)
	j.b.requireBare(t)
	return last
}

// crossed is what the counters say: of the lines of --json, and of the control
// socket's answers.
type crossed struct {
	OK     bool
	Error  string
	Rule   int
	AB, BA struct {
		Shape    string
		Counters struct{ Packets, Delivered, Corrupted, Duplicated, DroppedLoss, DroppedRule, DroppedDown uint64 }
	}
}

var roundTrip = regexp.MustCompile(`rtt min/avg/max/mdev = ([0-9.]+)/`)

// leastPing is the least round-trip time of three echo requests.
func leastPing(t testing.TB, ns *namespace, host string) time.Duration {
	t.Helper()
	out := output(t, ns.command("ping", "-n", "-c", "3", "-i", "0.05", "-W", "30", host))
	require.Contains(t, out, " 0% packet loss")
	ms, err := strconv.ParseFloat(roundTrip.FindStringSubmatch(out)[1], 64)
	require.NoError(t, err)
	return time.Duration(ms * float64(time.Millisecond))
}

// A delay of 20 ms each way: no echo can be back before 40 ms. How much later it
// is says more about the machine.
func TestLinkDelays(t *testing.T) {
	need(t, root, tunDevice, program("ip", "ping"))
	for name, args := range map[string][]string{"tun": nil, "tap": {"--tap"}, "tun without offload": {"--offload", "off"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := join(t, append(args, "--shape", "delay 20ms")...)
			for _, host := range []string{"10.78.0.2", "fd78::2"} {
				require.GreaterOrEqual(t, leastPing(t, j.a, host), 40*time.Millisecond)
			}
			last := j.stop(t)
			require.GreaterOrEqual(t, last.AB.Counters.Delivered, uint64(6))
			require.GreaterOrEqual(t, last.BA.Counters.Delivered, uint64(6))
		})
	}
}

// One kernel's TCP gets to the last byte what the other's has sent, both ways at
// the same time: super-segments whole, cut by the wire, or without offloads on
// either side; the kernels verify every checksum that was completed on the way.
func TestLinkCarriesEveryByte(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	const size = 64 << 20
	for _, tt := range []struct {
		name string
		size int64
		args []string
	}{
		{"offload", size, []string{"--offload", "on"}},
		{"no offload", size, []string{"--offload", "off"}},
		{"tap with offload", size, []string{"--tap", "--offload", "on"}},
		{"tap without offload", size, []string{"--tap", "--offload", "off"}},
		{"cut by the wire", size, []string{"--offload", "on", "--shape", "delay 1ms"}},
		{"one way perfect", size, []string{"--offload", "on", "--shape", "delay 1ms", "--back", ""}},
		{"lost, doubled and corrupted", 4 << 20, []string{"--offload", "on", "--shape", "delay 1ms loss 0.5% duplicate 1% corrupt 0.5%"}},
		{"tap, lost, doubled and corrupted", 4 << 20, []string{"--tap", "--offload", "off", "--shape", "delay 1ms loss 0.5% duplicate 1% corrupt 0.5%"}},
		{"MTU 576", 8 << 20, []string{"--mtu", "576"}},
		{"MTU 65535", size, []string{"--mtu", "65535"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			j := join(t, tt.args...)
			exchange(t, j, "10.78.0.2:5000", tt.size)
			if tt.name != "MTU 576" {
				exchange(t, j, "[fd78::2]:5000", min(tt.size, 4<<20))
			}
			if strings.Contains(tt.name, "corrupted") {
				last := j.stop(t)
				for _, c := range []uint64{last.AB.Counters.Corrupted, last.AB.Counters.Duplicated, last.AB.Counters.DroppedLoss} {
					require.NotZero(t, c, "the wire did what its name says: %+v", last.AB.Counters)
				}
			}
		})
	}
}

// exchange sends so many random bytes both ways over one connection from A to an
// address of B, and compares what was sent with what came.
func exchange(t testing.TB, j *joint, addr string, size int64) {
	t.Helper()
	var ln net.Listener
	require.NoError(t, netconf.InNamespace(j.b.name, func() (err error) {
		ln, err = net.Listen("tcp", addr)
		return err
	}))
	defer ln.Close()
	type side struct {
		conn       net.Conn
		err        error
		sent, came [sha256.Size]byte
	}
	accepted := make(chan side, 1)
	go func() {
		conn, err := ln.Accept()
		accepted <- side{conn: conn, err: err}
	}()
	var a side
	require.NoError(t, netconf.InNamespace(j.a.name, func() (err error) {
		a.conn, err = net.DialTimeout("tcp", addr, patience)
		return err
	}))
	defer a.conn.Close()
	b := <-accepted
	require.NoError(t, b.err)
	defer b.conn.Close()

	done := make(chan error, 4)
	for i, s := range []*side{&a, &b} {
		require.NoError(t, s.conn.SetDeadline(time.Now().Add(patience)))
		go func() {
			sum := sha256.New()
			random := rand.NewChaCha8([32]byte{byte(i)})
			_, err := io.Copy(io.MultiWriter(s.conn, sum), io.LimitReader(random, size))
			s.sent = [sha256.Size]byte(sum.Sum(nil))
			done <- errors.Join(err, s.conn.(*net.TCPConn).CloseWrite())
		}()
		go func() {
			sum := sha256.New()
			n, err := io.Copy(sum, s.conn)
			s.came = [sha256.Size]byte(sum.Sum(nil))
			if err == nil && n != size {
				err = fmt.Errorf("%d of %d bytes", n, size)
			}
			done <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
	require.Equal(t, a.sent, b.came)
	require.Equal(t, b.sent, a.came)
}

// Nothing arrives through a loss of 100 %, and the counters know where it went.
func TestLinkLosesAll(t *testing.T) {
	need(t, root, tunDevice, program("ip", "ping"))
	j := join(t, "--shape", "loss 100%", "--back", "")
	ping := start(t, j.a.command("ping", "-n", "-c", "3", "-i", "0.05", "-W", "1", "10.78.0.2"))
	require.Equal(t, 1, ping.exit(t), "of three echo requests none was answered")
	require.Contains(t, ping.stdout.String(), " 0 received")
	last := j.stop(t)
	require.Zero(t, last.AB.Counters.Delivered)
	require.GreaterOrEqual(t, last.AB.Counters.DroppedLoss, uint64(3))
	require.Zero(t, last.BA.Counters.DroppedLoss)
}

// controlled talks to a control socket.
type controlled struct {
	net.Conn
	lines *bufio.Reader
}

func control(t testing.TB, path string) *controlled {
	t.Helper()
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return &controlled{conn, bufio.NewReader(conn)}
}

// try sends a line and gives the answer.
func (c *controlled) try(request string) (a crossed, err error) {
	if _, err = io.WriteString(c, request+"\n"); err != nil {
		return a, err
	}
	line, err := c.lines.ReadBytes('\n')
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(line, &a)
}

// ask is try, on the test's own goroutine.
func (c *controlled) ask(t testing.TB, request string) crossed {
	t.Helper()
	a, err := c.try(request)
	require.NoError(t, err)
	return a
}

// The control socket changes the wire under traffic: its delay, a cable that is
// pulled, a rule for one packet; what it cannot do it says.
func TestLinkControl(t *testing.T) {
	need(t, root, tunDevice, program("ip", "ping"))
	path := filepath.Join(t.TempDir(), "control")
	j := join(t, "--control", path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	c := control(t, path)

	a := c.ask(t, `{"set":"ab","shape":"delay 60ms"}`)
	require.True(t, a.OK, a.Error)
	require.Equal(t, "delay 60ms", a.AB.Shape)
	require.GreaterOrEqual(t, leastPing(t, j.a, "10.78.0.2"), 60*time.Millisecond)
	a = c.ask(t, `{"set":"ba","shape":{"delay":"60ms"}}`)
	require.True(t, a.OK, a.Error)
	require.GreaterOrEqual(t, leastPing(t, j.a, "10.78.0.2"), 120*time.Millisecond)

	require.True(t, c.ask(t, `{"set":"both","shape":""}`).OK)
	require.True(t, c.ask(t, `{"down":"both"}`).OK)
	require.Equal(t, 1, start(t, j.a.command("ping", "-n", "-c", "1", "-W", "1", "10.78.0.2")).exit(t))
	require.True(t, c.ask(t, `{"up":"both"}`).OK)
	leastPing(t, j.a, "10.78.0.2")

	// The first SYN-ACK is lost; the kernel's is sent again, and all is well.
	a = c.ask(t, `{"rule":"drop first syn-ack"}`)
	require.True(t, a.OK, a.Error)
	exchange(t, j, "10.78.0.2:5001", 1<<20)
	a = c.ask(t, fmt.Sprintf(`{"remove":%d}`, a.Rule))
	require.EqualValues(t, 1, a.BA.Counters.DroppedRule)
	require.Zero(t, a.AB.Counters.DroppedRule)
	require.NotZero(t, a.AB.Counters.DroppedDown)

	a = c.ask(t, `{"set":"ab","shape":"delay banana"}`)
	require.False(t, a.OK)
	require.Contains(t, a.Error, "banana")
	require.Empty(t, a.AB.Shape, "it stayed as it was")

	j.stop(t)
	require.NoFileExists(t, path)
}

// Switching between a perfect wire and one with a shape in the middle of a
// connection, between super-segments and packets: no byte is lost or doubled.
func TestLinkChangesUnderLoad(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	path := filepath.Join(t.TempDir(), "control")
	j := join(t, "--control", path, "--offload", "on")
	c := control(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	turns, failed := 0, make(chan error, 1)
	go func() {
		for ; ctx.Err() == nil; turns++ {
			shape := []string{"", "delay 2ms", "rate 2gbit limit 5000", "delay 1ms 1ms"}[turns%4]
			if a, err := c.try(fmt.Sprintf(`{"set":"both","shape":%q}`, shape)); err != nil || !a.OK {
				failed <- fmt.Errorf("shape %q: %q, %v", shape, a.Error, err)
				return
			}
		}
		failed <- nil
	}()
	exchange(t, j, "10.78.0.2:5000", 16<<20)
	cancel()
	require.NoError(t, <-failed)
	require.Greater(t, turns, 4, "all shapes had their turn")
}

// A capture has both ends of the cable, and a command runs in A's namespace; its
// exit status is ours.
func TestLinkCommandAndCapture(t *testing.T) {
	need(t, root, tunDevice, program("ip", "ping", "tshark"))
	a, b := newNamespace(t), newNamespace(t)
	path := filepath.Join(t.TempDir(), "cable.pcapng")
	p := start(t, exec.Command(strata, "link", "--between", a.name+","+b.name, "--shape", "delay 5ms", "--pcap", path,
		"--", "sh", "-c", "ping -n -c 1 10.78.0.2; exit 7"))
	require.Equal(t, 7, p.exit(t))
	require.Contains(t, p.stdout.String(), " 0% packet loss")
	require.NotContains(t, p.stdout.String(), "A to B", "standard output is the command's")
	require.Regexp(t, `A to B: delay 5ms`, p.stderr.String())
	require.Regexp(t, `packets +\d+ +\d+`, p.stderr.String(), "the counters, at the end")
	echoes := output(t, exec.Command("tshark", "-n", "-r", path, "-Y", "icmp", "-T", "fields", "-e", "frame.interface_name", "-e", "icmp.type"))
	require.Equal(t, []string{
		a.name + " cable0\t8", b.name + " cable0\t8", b.name + " cable0\t0", a.name + " cable0\t0",
	}, strings.Split(strings.TrimSpace(echoes), "\n"), "a request on its way out and in, and its reply")
	a.requireBare(t)
	b.requireBare(t)
}

// What cannot be done ends with status 1 and one line, before anything is made.
func TestLinkErrors(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	a, b := newNamespace(t), newNamespace(t)
	both := a.name + "," + b.name
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a bad shape":            {[]string{"--between", both, "--shape", "delay banana"}, `--shape: "banana" at 7`},
		"a bad way back":         {[]string{"--between", both, "--back", "loss 101%"}, `--back: "101%"`},
		"nothing to join":        {nil, "--between A,B is wanted"},
		"one end":                {[]string{"--between", a.name}, "two are wanted"},
		"the same namespace":     {[]string{"--between", a.name + "," + a.name}, "both ends"},
		"unknown namespace":      {[]string{"--between", a.name + ",strata-nowhere"}, "strata-nowhere"},
		"addresses":              {[]string{"--between", both, "--addr", "10.78.0.1/24"}, "10.78.0.1/24"},
		"addresses of two nets":  {[]string{"--between", both, "--addr", "10.78.0.1/24,10.79.0.1/24"}, "one network"},
		"a device name too long": {[]string{"--between", both, "--dev", "cable0,a-name-of-16-char"}, "a-name-of-16-char"},
		"MTU":                    {[]string{"--between", both, "--mtu", "67"}, "67"},
		"capture":                {[]string{"--between", both, "--pcap", "/nowhere/at/all.pcapng"}, "/nowhere/at/all.pcapng"},
		"control socket":         {[]string{"--between", both, "--control", "/etc/hostname"}, "/etc/hostname"},
		"an argument":            {[]string{"--between", both, "ping"}, "behind --"},
	} {
		t.Run(name, func(t *testing.T) {
			requireRefused(t, exec.Command(strata, append([]string{"link"}, tt.args...)...), tt.want)
			a.requireBare(t)
			b.requireBare(t)
		})
	}
}

// A server behind 30 ms each way: curl works, and as the server sees it the ACK
// of its SYN-ACK cannot come before 60 ms.
func TestServeShape(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl"))
	for name, args := range map[string][]string{"tun": nil, "tap": {"--tap"}, "tun without offload": {"--offload", "off"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, newNamespace(t), append(args, "--shape", "delay 30ms")...)
			require.Contains(t, s.curl(t, s.url()), "messages")
			require.Contains(t, s.curl(t, s.url6(t)), "messages")
			shake := s.handshake(t)
			require.GreaterOrEqual(t, shake[2].Time.Sub(shake[1].Time), 60*time.Millisecond)
			s.stop(t)
		})
	}
	t.Run("a bad shape", func(t *testing.T) {
		ns := newNamespace(t)
		requireRefused(t, exec.Command(strata, "serve", "--netns", ns.name, "--shape", "delay banana"), `--shape: "banana" at 7`)
		ns.requireBare(t)
	})
}

// Clients get every byte through a bad network in front of the server.
func TestServeShapeCarriesEveryByte(t *testing.T) {
	need(t, root, tunDevice, program("ip"), npm)
	s := serve(t, newNamespace(t), "--shape", "delay 2ms 1ms loss 1% duplicate 1% corrupt 0.5%", "--seed", "5")
	echo := startEcho(t, s, s.url(), echoSizes)
	s.stop(t)
	requireGoingAway(t, echo)
}

// The demo over a longer wire takes the round trips that it takes.
func TestDemoShape(t *testing.T) {
	ladder := output(t, exec.Command(strata, "demo", "--shape", "delay 40ms"))
	requireLadder(t, ladder)
	require.Contains(t, ladder, "a wire in memory: delay 40ms")
	requireRefused(t, exec.Command(strata, "demo", "--back", "loss lots"), `--back: "lots"`)
}
