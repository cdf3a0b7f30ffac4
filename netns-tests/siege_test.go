package netnstests

import (
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"strata/internal/echo"
	"strata/internal/hostile"
	"strata/stack"
	"strata/tcp"
	"strata/tun"
	"strata/tun/netconf"
)

// A siege is a host of ours behind a device, and in its namespace the kernel:
// whose sockets are the friend's, and who lets a raw socket write what it likes.
type siege struct {
	ns   *namespace
	dev  *tun.Device
	host *stack.Host
	raw  int // a packet socket of the namespace
	to   *unix.SockaddrLinklayer
}

var (
	besieged4 = netip.MustParseAddr("10.77.0.2")
	besieged6 = netip.MustParseAddr("fd77::2")
)

// siegeBacklog is less than what comes of a flood on a machine that is busy.
const siegeBacklog = 256

// besiege makes one behind a TUN device.
func besiege(t *testing.T, offload tun.Offload) *siege {
	t.Helper()
	return besiegeDevice(t, tun.Config{Offload: offload})
}

// besiegeDevice makes one, whose host echoes on port 80.
func besiegeDevice(t *testing.T, c tun.Config) *siege {
	t.Helper()
	s := &siege{ns: newNamespace(t)}
	var err error
	c.Name, c.Netns = "strata0", s.ns.name
	s.dev, err = tun.Open(c)
	require.NoError(t, err)
	s.host = stack.New(stack.Config{Name: "server"})
	t.Cleanup(func() { s.host.Close() })
	_, err = s.host.Attach(s.dev, netip.PrefixFrom(besieged4, 24), netip.PrefixFrom(besieged6, 64))
	require.NoError(t, err)
	require.NoError(t, netconf.Configure(s.ns.name, s.dev.Name(), netconf.Config{
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("fd77::1/64")}, Up: true,
	}))
	ln, err := (&tcp.ListenConfig{Host: s.host, Backlog: siegeBacklog}).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go echo.Serve(ln)
	require.NoError(t, netconf.InNamespace(s.ns.name, func() error {
		l, err := netlink.LinkByName(s.dev.Name())
		if err != nil {
			return err
		}
		s.raw, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		s.to = &unix.SockaddrLinklayer{Ifindex: l.Attrs().Index}
		return err
	}))
	t.Cleanup(func() { unix.Close(s.raw) })
	return s
}

// send has the kernel put a packet on the device, which may drop it: how much
// the kernel keeps for us is bounded (txqueuelen).
func (s *siege) send(p []byte) error {
	protocol := uint16(unix.ETH_P_IP)
	if p[0]>>4 == 6 {
		protocol = unix.ETH_P_IPV6
	}
	s.to.Protocol = protocol<<8 | protocol>>8 // in network order
	if err := unix.Sendto(s.raw, p, 0, s.to); err != unix.ENOBUFS {
		return err
	}
	return nil
}

// dial is a kernel socket's connection from the namespace to the host.
func (s *siege) dial(t *testing.T) net.Conn {
	t.Helper()
	var c net.Conn
	require.NoError(t, netconf.InNamespace(s.ns.name, func() (err error) {
		c, err = net.DialTimeout("tcp4", "10.77.0.2:80", patience)
		return err
	}))
	t.Cleanup(func() { c.Close() })
	return c
}

func requireEcho(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	sent, got := []byte("are you there?"), make([]byte, 14)
	_, err := c.Write(sent)
	require.NoError(t, err)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, sent, got)
}

// siegeTime is how long the attackers send as fast as one thread can.
const siegeTime = 2 * time.Second

// What a program in the namespace can send with a raw socket, as fast as it can:
// who has a connection is served meanwhile, who wants one gets it, our memory
// stays within the bound, and counters say what became of the packets.
func TestSiege(t *testing.T) {
	need(t, root, tunDevice, program("ip"))
	neighbour := func(r *rand.Rand) netip.AddrPort { // of whom the kernel knows nothing
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 77, 0, byte(3 + r.IntN(250))}), uint16(1+r.IntN(65535)))
	}
	for _, c := range []struct {
		name   string
		packet func(r *rand.Rand) []byte
		check  func(t *testing.T, s *siege)
	}{
		{
			"SYN flood",
			func(r *rand.Rand) []byte {
				return hostile.SYN(neighbour(r), netip.AddrPortFrom(besieged4, 80), r.Uint32())
			},
			func(t *testing.T, s *siege) {
				half := 0
				for _, i := range tcp.Netstat(s.host) {
					if i.State == "SYN-RCVD" {
						half++
					}
				}
				require.LessOrEqual(t, half, siegeBacklog, "the others take no endpoint")
				cookies := s.host.Stack().Stats().TCP.ListenOverflowSynCookieSent.Value()
				require.NotZero(t, cookies, "but a cookie each")
				t.Logf("%d half-open, %d cookies", half, cookies)
			},
		},
		{
			"garbage",
			func(r *rand.Rand) []byte { return hostile.Garbage(r, besieged4, besieged6) },
			func(t *testing.T, s *siege) {
				st := s.host.Stack().Stats()
				// With offload the device looks at checksums, without it the stack.
				wrong := s.dev.Stats().InDrops.Checksum + st.TCP.ChecksumErrors.Value() + st.UDP.ChecksumErrors.Value()
				require.NotZero(t, wrong, "checksums")
				require.NotZero(t, st.IP.MalformedPacketsReceived.Value(), "IP")
				t.Logf("%d wrong checksums, %d malformed packets of IP", wrong, st.IP.MalformedPacketsReceived.Value())
			},
		},
	} {
		for _, offload := range []tun.Offload{tun.On, tun.Off} {
			t.Run(c.name+", offload "+offload.String(), func(t *testing.T) {
				s := besiege(t, offload)
				old := s.dial(t)
				requireEcho(t, old)
				before := heapInUse()
				total, ended := 0, make(chan error, 1)
				go func() {
					var err error
					r := rand.New(rand.NewPCG(1, 2))
					for start := time.Now(); err == nil && time.Since(start) < siegeTime; total++ {
						err = s.send(c.packet(r))
					}
					ended <- err
				}()
				trips := 0
				for going := true; going; {
					select {
					case err := <-ended:
						require.NoError(t, err)
						going = false
					default:
						requireEcho(t, old)
						trips++
					}
				}
				requireEcho(t, old)
				requireEcho(t, s.dial(t))
				grown := heapInUse() - before
				in := s.dev.Stats()
				t.Logf("%d packets sent, %d came, %d were dropped by the device; %d echoes meanwhile; %d KiB more", total,
					in.InPackets, in.InDrops.Malformed+in.InDrops.Checksum, trips, grown>>10)
				c.check(t, s)
				// Half-open endpoints of 4 KiB, 8192 handshakes of less than 1 KiB,
				// 4 MiB of fragments for each family, and what pools keep.
				require.Less(t, grown, 32<<20)
			})
		}
	}
}

// heapInUse is what is not garbage, in bytes; twice, so that pools are empty.
func heapInUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
