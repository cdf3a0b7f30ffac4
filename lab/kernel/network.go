//go:build linux

package kernel

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vishvananda/netns"

	"strata/cable"
	"strata/lab/workload"
	"strata/link"
	"strata/trace"
	"strata/tun/netconf"
)

// maxClients is as many as there are addresses for.
const maxClients = 200

// network is a workload.Net of kernels.
type network struct {
	ctx     context.Context
	cancel  context.CancelFunc
	began   time.Time
	seed    uint64
	folder  string // of control sockets
	server  *host
	clients []*host
	certs   *certificates

	running sync.WaitGroup // what Go has started
	cables  sync.WaitGroup

	mu      sync.Mutex
	onClose []func()
}

var _ workload.Net = (*network)(nil)

// newNetwork makes all of it; what there is of it has to be closed also where the
// error is not nil.
func newNetwork(ctx context.Context, p *workload.Params, seed uint64) (n *network, err error) {
	n = &network{began: time.Now(), seed: seed}
	n.ctx, n.cancel = context.WithCancel(ctx)
	if n.certs, err = newCertificates("server"); err != nil {
		return n, err
	}
	if n.folder, err = os.MkdirTemp("", "strata-lab-"); err != nil {
		return n, err
	}
	if n.server, err = n.newHost("server", p); err != nil {
		return n, err
	}
	for i := range max(1, p.Clients) {
		c, err := n.newHost(fmt.Sprint("client", i+1), p)
		if err != nil {
			return n, err
		}
		n.clients = append(n.clients, c)
		c.server = netip.AddrFrom4([4]byte{10, 78, byte(i), 1})
		if err := n.join(c, i, p); err != nil {
			return n, err
		}
	}
	return n, nil
}

// join lays a cable from the server to a client.
func (n *network) join(c *host, i int, p *workload.Params) error {
	mtu := link.DefaultMTU
	if p.MSS > 0 {
		mtu = p.MSS + 40 // IPv4 and TCP without options
	}
	ready := &firstLine{came: make(chan struct{})}
	c.socket = filepath.Join(n.folder, fmt.Sprint(i))
	config := cable.Config{
		A:     cable.Side{Netns: n.server.netns, Device: fmt.Sprint("cable", i), Addrs: []netip.Prefix{netip.PrefixFrom(c.server, 24)}},
		B:     cable.Side{Netns: c.netns, Device: "cable0", Addrs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 78, byte(i), 2}), 24)}},
		Shape: p.Shape, Back: p.Back, Seed: n.derive(fmt.Sprint("cable ", i)), MTU: mtu, Control: c.socket,
		JSON: true, Stdout: ready, Stderr: io.Discard,
	}
	failed := make(chan error, 1)
	n.cables.Go(func() { failed <- cable.Run(n.ctx, config) })
	select {
	case <-ready.came:
		return nil
	case err := <-failed:
		return err
	}
}

// firstLine is a writer that tells when the first line has come.
type firstLine struct {
	once sync.Once
	came chan struct{}
}

func (f *firstLine) Write(p []byte) (int, error) {
	if bytes.ContainsRune(p, '\n') {
		f.once.Do(func() { close(f.came) })
	}
	return len(p), nil
}

// newHost makes a namespace, with what the parameters say of TCP.
func (n *network) newHost(name string, p *workload.Params) (*host, error) {
	ns, err := newNamespace()
	h := &host{n: n, name: name, netns: ns, congestion: congestionOf(p)}
	if ns != "" {
		n.OnClose(func() { _ = netns.DeleteNamed(ns) })
	}
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	if p.Buffers > 0 {
		sizes := fmt.Sprintf("4096 %d %d", p.Buffers, p.Buffers)
		settings["tcp_rmem"], settings["tcp_wmem"] = sizes, sizes
	}
	for name, value := range settings {
		err := netconf.InNamespace(ns, func() error {
			return os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0o644)
		})
		if err != nil {
			return nil, fmt.Errorf("%s=%s: %w", name, value, err)
		}
	}
	return h, nil
}

func (n *network) close() {
	n.mu.Lock()
	hooks := n.onClose
	n.onClose = nil
	n.mu.Unlock()
	n.cancel()
	n.cables.Wait()
	for i := len(hooks) - 1; i >= 0; i-- {
		hooks[i]()
	}
	n.running.Wait()
	_ = os.RemoveAll(n.folder)
}

// Server implements workload.Net, as what follows does.
func (n *network) Server() workload.Host { return n.server }

func (n *network) Clients() []workload.Host {
	hosts := make([]workload.Host, len(n.clients))
	for i, c := range n.clients {
		hosts[i] = c
	}
	return hosts
}

func (n *network) Context() context.Context { return n.ctx }
func (n *network) Elapsed() time.Duration   { return time.Since(n.began) }
func (n *network) Sleep(d time.Duration)    { time.Sleep(d) }
func (n *network) Go(f func())              { n.running.Go(f) }
func (n *network) Recorder() trace.Recorder { return nil }

func (n *network) OnClose(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onClose = append(n.onClose, f)
}

// Cut asks the client's cable through its control socket.
func (n *network) Cut(client int) {
	c, err := net.Dial("unix", n.clients[client].socket)
	if err != nil {
		return // the cable is gone, which is as good
	}
	defer c.Close()
	fmt.Fprintln(c, `{"blackhole":"both"}`)
	_, _ = bufio.NewReader(c).ReadString('\n')
}

func (n *network) sum(name string) [32]byte {
	return sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, n.seed), name...))
}

func (n *network) derive(name string) uint64 {
	sum := n.sum(name)
	return binary.LittleEndian.Uint64(sum[:])
}

func (n *network) Rand(name string) io.Reader {
	return &lockedReader{r: rand.NewChaCha8(n.sum(name))}
}

type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}
