package tun

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"strata/tun/internal/nstest"
	"strata/tun/netconf"
)

var (
	kernelSide = []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("fd77::1/64")}
	ourSide    = []netip.Prefix{netip.MustParsePrefix("10.77.0.2/24"), netip.MustParsePrefix("fd77::2/64")}
)

// openIn opens a device in a namespace, with the kernel's side configured; IPv6
// where the MTU lets it.
func openIn(t testing.TB, ns string, c Config) *Device {
	t.Helper()
	c.Netns = ns
	d, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	addrs := kernelSide
	if d.MTU() < 1280 {
		addrs = addrs[:1]
	}
	require.NoError(t, netconf.Configure(ns, d.Name(), netconf.Config{MTU: int(d.MTU()), Addrs: addrs, Up: true}))
	return d
}

// inNamespace runs f in ns with the netlink of that namespace.
func inNamespace(t testing.TB, ns string, f func() error) {
	t.Helper()
	require.NoError(t, netconf.InNamespace(ns, f))
}

// modes are the devices there are on Linux.
var modes = []struct {
	name    string
	tap     bool
	offload Offload
}{
	{"TUN/offload", false, On},
	{"TUN/plain", false, Off},
	{"TAP/offload", true, On},
	{"TAP/plain", true, Off},
}

func TestOpenMakesTheDeviceInTheNamespace(t *testing.T) {
	ns := nstest.New(t)
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			d, err := Open(Config{Name: "strata0", TAP: m.tap, Offload: m.offload, Netns: ns})
			require.NoError(t, err)
			defer d.Close()
			require.Equal(t, "strata0", d.Name())
			require.Equal(t, m.tap, d.TAP())
			require.Equal(t, m.offload == On, d.Offload())
			require.EqualValues(t, 1500, d.MTU())

			// It is there, of the kind that was asked for, and nowhere else.
			inNamespace(t, ns, func() error {
				l, err := netlink.LinkByName("strata0")
				if err != nil {
					return err
				}
				kind := netlink.TuntapMode(netlink.TUNTAP_MODE_TUN)
				if m.tap {
					kind = netlink.TUNTAP_MODE_TAP
				}
				require.Equal(t, kind, l.(*netlink.Tuntap).Mode)
				return nil
			})
			_, err = netlink.LinkByName("strata0")
			require.ErrorAs(t, err, new(netlink.LinkNotFoundError))

			// No program that is started from here gets the descriptor.
			for _, fd := range tunDescriptors(t) {
				flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
				require.NoError(t, err)
				require.NotZero(t, flags&unix.FD_CLOEXEC)
			}

			// Our own next attempt finds it busy, and leaves no descriptor open.
			before := len(tunDescriptors(t))
			_, err = Open(Config{Name: "strata0", TAP: m.tap, Offload: m.offload, Netns: ns})
			require.ErrorIs(t, err, syscall.EBUSY)
			require.ErrorContains(t, err, "another process holds it")
			require.Len(t, tunDescriptors(t), before)
		})
	}
}

func TestTheKernelNamesTheDevice(t *testing.T) {
	ns := nstest.New(t)
	a, err := Open(Config{Netns: ns})
	require.NoError(t, err)
	defer a.Close()
	b, err := Open(Config{Netns: ns, TAP: true, Offload: Off})
	require.NoError(t, err)
	defer b.Close()
	require.Equal(t, "tun0", a.Name())
	require.Equal(t, "tap0", b.Name())
}

func TestOpenSaysWhatToDo(t *testing.T) {
	ns := nstest.New(t)
	_, err := Open(Config{Netns: "no-such-namespace"})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, `network namespace "no-such-namespace"`)

	// lo is a network interface, but no TUN device.
	for _, o := range []Offload{Auto, On, Off} {
		_, err = Open(Config{Name: "lo", Netns: ns, Offload: o})
		require.ErrorIs(t, err, syscall.EINVAL)
		require.ErrorContains(t, err, "tun: TUN device lo in network namespace "+ns)
		require.ErrorContains(t, err, "exists and is no TUN device")
		require.NotContains(t, err.Error(), "\n")
	}
	require.Empty(t, tunDescriptors(t))
}

// What cannot be brought about on every machine: the errors that open and ioctl
// may give, as they are explained.
func TestErrorsAreExplained(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
		is   error
	}{
		{noClone(unix.ENOENT), "modprobe tun", fs.ErrNotExist},
		{noClone(unix.ENOENT), "mknod /dev/net/tun c 10 200", fs.ErrNotExist},
		{noClone(unix.ENODEV), "modprobe tun", unix.ENODEV},
		{noClone(unix.ENXIO), "modprobe tun", unix.ENXIO},
		{noClone(unix.EACCES), "tun: open /dev/net/tun: permission denied; run as root, or let users open it", fs.ErrPermission},
		{noClone(unix.EMFILE), "too many open files", unix.EMFILE},
		{refusedDevice(Config{Name: "strata0"}, unix.EPERM), "CAP_NET_ADMIN", fs.ErrPermission},
		{refusedDevice(Config{}, unix.EPERM), "tun: a new TUN device: operation not permitted", fs.ErrPermission},
		{refusedDevice(Config{Name: "x", TAP: true}, os.NewSyscallError("ioctl", unix.EBUSY)), "TAP device x", unix.EBUSY},
	} {
		require.ErrorContains(t, c.err, c.want)
		require.ErrorIs(t, c.err, c.is)
		require.NotContains(t, c.err.Error(), "\n")
	}
}

// Without CAP_NET_ADMIN in the namespace: a process of our own in a user
// namespace, where it is nobody here.
func TestOpenWithoutPrivilege(t *testing.T) {
	if os.Getenv("TUN_TEST_NOBODY") != "" {
		_, err := Open(Config{Name: "strata0"})
		fmt.Println(err)
		return
	}
	nstest.New(t) // only for what it asks of the machine
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestOpenWithoutPrivilege$")
	cmd.Env = append(os.Environ(), "TUN_TEST_NOBODY=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	line, _, _ := strings.Cut(string(out), "\n")
	if strings.HasPrefix(line, "tun: open /dev/net/tun") { // where it is 0600
		require.Equal(t, "tun: open /dev/net/tun: permission denied; run as root, or let users open it (chmod 0666 /dev/net/tun)", line)
		return
	}
	require.Equal(t, "tun: TUN device strata0: operation not permitted; run as root (it takes CAP_NET_ADMIN in that network namespace)", line)
}

// A kernel that cannot do offloads: Auto goes on without and says so once, On
// fails, and neither leaves anything behind.
func TestOffloadIsNotAvailable(t *testing.T) {
	ns := nstest.New(t)
	real := setOffload
	setOffload = func(int) error { return noOffload("the kernel refuses offloads (TUNSETOFFLOAD: invalid argument)") }
	t.Cleanup(func() { setOffload = real })

	var warnings []string
	d, err := Open(Config{Name: "strata0", Netns: ns, Warn: func(s string) { warnings = append(warnings, s) }})
	require.NoError(t, err)
	require.False(t, d.Offload())
	require.Equal(t, []string{"tun: device strata0: the kernel refuses offloads (TUNSETOFFLOAD: invalid argument); going on with one packet a read: correct, but several times slower"}, warnings)
	d.Close()

	d, err = Open(Config{Netns: ns}) // nobody to warn
	require.NoError(t, err)
	d.Close()

	_, err = Open(Config{Name: "strata0", Netns: ns, Offload: On})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Empty(t, tunDescriptors(t))

	// Whoever asks for none is not bothered with a warning.
	d, err = Open(Config{Netns: ns, Offload: Off, Warn: func(s string) { t.Error(s) }})
	require.NoError(t, err)
	d.Close()
}

// A hundred devices, opened, read from and closed, leave no descriptor, no
// goroutine and no network interface.
func TestNothingIsLeftBehind(t *testing.T) {
	ns := nstest.New(t)
	settle := func() (goroutines, fds int) {
		runtime.GC()
		return runtime.NumGoroutine(), descriptors(t)
	}
	var goroutines, fds int
	for i := range 101 {
		m := modes[i%len(modes)]
		d := openIn(t, ns, Config{Name: "strata0", TAP: m.tap, Offload: m.offload})
		if i%3 > 0 {
			d.Attach(newReceived()) // there is a reader, which waits
		}
		d.Close()
		if i == 0 { // what the first one sets up for the whole process stays
			goroutines, fds = settle()
		}
	}
	g, f := settle()
	require.LessOrEqual(t, g, goroutines)
	require.Equal(t, fds, f)
	require.Empty(t, tunDescriptors(t))
	inNamespace(t, ns, func() error {
		links, err := netlink.LinkList()
		require.Len(t, links, 1, "only lo")
		return err
	})
}

// descriptors is the number of open files of this process.
func descriptors(t testing.TB) int {
	dir, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(dir)
}

// tunDescriptors are those of them that are TUN devices.
func tunDescriptors(t testing.TB) []int {
	dir, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	var fds []int
	for _, e := range dir {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasSuffix(to, clone) {
			var fd int
			fmt.Sscan(e.Name(), &fd)
			fds = append(fds, fd)
		}
	}
	return fds
}
