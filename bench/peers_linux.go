package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"strata/stack"
	"strata/tcp"
	"strata/tun"
	"strata/tun/netconf"
)

// way is how a client's connection gets out of its network namespace to a server
// on the kernel's loopback: through one of the userspace networks.
type way struct {
	netns string // of the client, a path
	addr  string // that the client dials
	ln    net.Listener
	close []func()
}

// userspace are the networks; each starts on a way that has its listener.
var userspace = []struct {
	name  string
	start func(w *way, dir string) error
}{
	{"slirp4netns", (*way).slirp},
	{"pasta", (*way).pasta},
	{"gvisor-tap-vsock", func(w *way, dir string) error {
		port := w.ln.Addr().(*net.TCPAddr).Port
		return w.goPeer(dir, "gvisor-tap-vsock", "192.168.127.2/24", fmt.Sprintf("192.168.127.254:%d", port))
	}},
	{"wireguard-go netstack", func(w *way, dir string) error {
		return w.goPeer(dir, "wireguard-go", "10.77.0.1/24", "10.77.0.2:80")
	}},
}

func openWay(dir string, start func(w *way, dir string) error) (w *way, err error) {
	w = &way{}
	if w.ln, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	w.close = append(w.close, func() { w.ln.Close() })
	if err = start(w, dir); err == nil {
		err = w.ready()
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *way) Close() {
	for i := len(w.close) - 1; i >= 0; i-- {
		w.close[i]()
	}
}

// ready waits until a connection comes through.
func (w *way) ready() error {
	var err error
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
		var c net.Conn
		if c, err = w.dial(); err != nil {
			continue
		}
		defer c.Close()
		if err = w.ln.(*net.TCPListener).SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		var s net.Conn
		if s, err = w.ln.Accept(); err == nil {
			s.Close()
			return w.ln.(*net.TCPListener).SetDeadline(time.Time{})
		}
	}
	return err
}

func (w *way) dial() (c net.Conn, err error) {
	err = netconf.InNamespace(w.netns, func() error {
		c, err = net.DialTimeout("tcp4", w.addr, time.Second)
		return err
	})
	return c, err
}

// open connects the two ends of one connection.
func (w *way) open() (*ends, error) {
	e, err := connect(w.ln, w.dial, 1)
	if err != nil {
		return nil, err
	}
	e.closeAll = func() {
		e.client[0].Close()
		e.server[0].Close()
	}
	return e, nil
}

// run starts a program that ends with the way.
func (w *way) run(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := cmd.Start(); err != nil {
		return err
	}
	w.close = append(w.close, func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return nil
}

// namespace makes one for the client, which a process holds that does nothing.
func (w *way) namespace() (pid int, err error) {
	hold := exec.Command("cat")
	in, err := hold.StdinPipe()
	if err != nil {
		return 0, err
	}
	hold.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := w.run(hold); err != nil {
		return 0, fmt.Errorf("as root: %w", err)
	}
	w.close = append(w.close, func() { in.Close() })
	w.netns = fmt.Sprintf("/proc/%d/ns/net", hold.Process.Pid)
	return hold.Process.Pid, nil
}

func (w *way) slirp(string) error {
	pid, err := w.namespace()
	if err != nil {
		return err
	}
	w.addr = strings.Replace(w.ln.Addr().String(), "127.0.0.1", "10.0.2.2", 1)
	return w.run(exec.Command("slirp4netns", "--configure", "--mtu=1500", "--disable-dns", strconv.Itoa(pid), "peer0"))
}

// pasta makes the namespace itself, for a program that it starts.
func (w *way) pasta(string) error {
	w.addr = strings.Replace(w.ln.Addr().String(), "127.0.0.1", "10.0.3.2", 1)
	cmd := exec.Command("pasta", "-f", "-q", "-4", "--config-net", "-I", "peer0", "-a", "10.0.3.15", "-n", "24", "-g", "10.0.3.2", "-m", "1500",
		"-t", "none", "-u", "none", "-T", "none", "-U", "none", "--runas", "0", "--", "sleep", "1000")
	if err := w.run(cmd); err != nil {
		return err
	}
	children := fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid)
	for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		b, _ := os.ReadFile(children)
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			continue
		}
		// It is pasta until it has a namespace of its own.
		w.netns = fmt.Sprintf("/proc/%d/ns/net", pid)
		here, _ := os.Readlink("/proc/self/ns/net")
		if there, err := os.Readlink(w.netns); err == nil && there != here {
			w.close = append(w.close, func() { syscall.Kill(pid, syscall.SIGKILL) })
			return nil
		}
	}
	return errors.New("pasta does not start its program")
}

// goPeer is one of bench/peers, which is a module of its own.
func (w *way) goPeer(dir, name, client, addr string) error {
	if _, err := w.namespace(); err != nil {
		return err
	}
	w.addr = addr
	binary := filepath.Join(dir, "peers")
	if _, err := os.Stat(binary); err != nil {
		if _, err := command("bench/peers", "go", "build", "-o", binary, "."); err != nil {
			return err
		}
	}
	if err := w.run(exec.Command(binary, "-netns", w.netns, "-to", w.ln.Addr().String(), name)); err != nil {
		return err
	}
	c := netconf.Config{MTU: 1500, Addrs: []netip.Prefix{netip.MustParsePrefix(client)}, Up: true}
	var err error
	for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		if err = netconf.Configure(w.netns, "peer0", c); err == nil {
			return nil
		}
	}
	return err
}

// ours does what the others do: a host behind a device, which forwards each
// connection to the kernel's loopback.
func (w *way) ours(string) error {
	if _, err := w.namespace(); err != nil {
		return err
	}
	w.addr = "10.77.0.2:80"
	dev, err := tun.Open(tun.Config{Netns: w.netns})
	if err != nil {
		return err
	}
	h := stack.New(stack.Config{Name: "forwarder"})
	w.close = append(w.close, func() { h.Close() })
	if _, err := h.Attach(dev, netip.MustParsePrefix("10.77.0.2/24")); err != nil {
		dev.Close()
		return err
	}
	c := netconf.Config{Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")}, Up: true}
	if err := netconf.Configure(w.netns, dev.Name(), c); err != nil {
		return err
	}
	ln, err := (&tcp.ListenConfig{Host: h}).Listen(context.Background(), "tcp4", ":80")
	if err != nil {
		return err
	}
	go accept(ln, func(c net.Conn) { go forward(c, w.ln.Addr().String()) })
	return nil
}

// forward joins a client's connection to one of its own to the server.
func forward(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		io.Copy(server, client)
		server.(*net.TCPConn).CloseWrite()
		close(done)
	}()
	io.Copy(client, server)
	client.(*tcp.Conn).CloseWrite()
	<-done
}

var peerJobs = []struct {
	what, unit string
	run        func(e *ends, d time.Duration) (float64, error)
}{
	{"bulk from the namespace", "Gbit/s", func(e *ends, d time.Duration) (float64, error) { return e.bulk(0, d) }},
	{"bulk into the namespace", "Gbit/s", func(e *ends, d time.Duration) (float64, error) {
		e.client, e.server = e.server, e.client
		return e.bulk(0, d)
	}},
	{"64 B round trips", "trips/s", func(e *ends, d time.Duration) (float64, error) { return e.roundTrips(64, d) }},
}

func peersPart(quick bool) ([]Section, error) {
	rounds, d := 5, 500*time.Millisecond
	if quick {
		rounds, d = 3, 100*time.Millisecond
	}
	s := Section{
		Title: "Beside other userspace networks",
		Note: "A client on the kernel's sockets in a network namespace, MTU 1500, and a server on the kernel's sockets outside; between them a network in userspace, which ends " +
			"the client's connection and forwards it to one of its own to the server over the loopback: so do those below, and so does a host of ours here, though a server " +
			"in the same program needs no forwarding. slirp4netns and pasta are Debian's, gvisor-tap-vsock and wireguard-go's tun/netstack (without encryption) are those of bench/peers.",
	}
	dir, err := os.MkdirTemp("", "strata-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ours, err := openWay(dir, (*way).ours)
	if err != nil {
		return nil, fmt.Errorf("our own: %w", err)
	}
	defer ours.Close()
	for _, peer := range userspace {
		theirs, err := openWay(dir, peer.start)
		if err != nil {
			s.Note += fmt.Sprintf(" Not measured: %s (%v).", peer.name, err)
			continue
		}
		for _, job := range peerJobs {
			rates, err := alternate([2]*way{ours, theirs}, job.run, rounds, d)
			if err != nil {
				s.Note += fmt.Sprintf(" Not measured: %s of %s (%v).", job.what, peer.name, err)
				continue
			}
			s.Rows = append(s.Rows, faster(job.what, peer.name, job.unit, rates[0], rates[1], 0))
		}
		theirs.Close()
	}
	return []Section{s}, nil
}

// alternate gives the medians of a job through each way.
func alternate(ways [2]*way, run func(e *ends, d time.Duration) (float64, error), rounds int, d time.Duration) (medians [2]float64, err error) {
	var rates [2][]float64
	for range rounds {
		for i, w := range ways {
			rate, err := w.measure(run, d)
			if err != nil {
				return medians, err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	return [2]float64{median(rates[0]), median(rates[1])}, nil
}

// measure opens a connection for a job. It gives up where nothing moves.
func (w *way) measure(run func(e *ends, d time.Duration) (float64, error), d time.Duration) (float64, error) {
	e, err := w.open()
	if err != nil {
		return 0, err
	}
	defer e.closeAll()
	for _, c := range []net.Conn{e.client[0], e.server[0]} {
		if err := c.SetDeadline(time.Now().Add(d + 10*time.Second)); err != nil {
			return 0, err
		}
	}
	return run(e, d)
}
