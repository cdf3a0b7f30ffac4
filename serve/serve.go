package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"time"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/cable/capture"
	"strata/cable/inside"
	"strata/clock"
	"strata/link"
	"strata/names"
	"strata/processors"
	"strata/serve/drain"
	"strata/serve/site"
	"strata/stack"
	"strata/tcp"
	"strata/trace"
	"strata/tun"
	"strata/tun/netconf"
	"strata/udp"
)

const (
	dnsPort = 53
	zone    = "strata.test" // a top-level domain that is nobody's (RFC 6761 §6.2)

	wireName = "serve" // part of what its draws come from

	closeTimeout = 5 * time.Second // for conversations to end
	httpTimeout  = time.Second     // for requests to be answered after that
	finTimeout   = time.Second     // for FINs to be acknowledged after that
)

// Run serves until ctx ends or, with a Command, until that has ended; what it
// returned is then an *exec.ExitError. The Command never outlives Run, unless
// not even SIGKILL ends it. Other errors are one line each, and
// leave nothing behind.
func Run(ctx context.Context, c Config) error {
	if err := c.validate(); err != nil {
		return err
	}
	s, err := start(ctx, &c)
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil // it ended as it should, early
	case err != nil:
		return err
	}
	if c.Spare {
		defer processors.Spare()()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	command, ended := inside.Run(ctx, c.Netns, c.Command)
	select {
	case <-ctx.Done():
	case err = <-command:
	case <-s.dev.Done():
		err = fmt.Errorf("%s: %w", s.dev.Name(), cmp.Or(s.dev.Err(), errors.New("the device is gone")))
	}
	cancel() // whatever it was that has ended, the command ends with it
	cerr := s.close()
	ended()
	return cmp.Or(err, cerr)
}

// server is all that runs.
type server struct {
	config  *Config
	report  *reporter
	rec     trace.Recorder // the reporter's, and the inspector's; nil where neither is told
	dev     *tun.Device
	host    *stack.Host
	wire    *link.Wire    // nil without a shape
	cord    *link.Cord    // from the wire to the device; nil without a wire
	inspect *inspector    // nil without
	capture *capture.File // nil without
	site    *site.Site
	http    *http.Server
	names   *names.Server
	place   place
}

func start(ctx context.Context, c *Config) (_ *server, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &server{config: c}
	defer func() {
		if err != nil {
			s.abandon()
		}
	}()
	note := ""
	if c.MTU < minMTU6 && c.Addr6.IsValid() {
		note = fmt.Sprintf("no IPv6: it needs an MTU of at least %d bytes", minMTU6)
		c.Addr6, c.Peer6 = netip.Prefix{}, netip.Prefix{}
	}
	if s.inspect, err = newInspector(c); err != nil {
		return nil, err
	}
	s.dev, err = tun.Open(tun.Config{
		Name: c.Device, TAP: c.TAP, MTU: c.MTU, Offload: c.Offload, Netns: c.Netns,
		Warn: func(w string) { fmt.Fprintln(c.Stderr, "strata: "+w) },
	})
	if err != nil {
		return nil, err
	}
	loop := clock.Real()
	s.report = newReporter(c)
	s.rec = s.inspect.beside(s.report.rec)
	s.host = stack.New(stack.Config{Name: hostName, Loop: loop, Recorder: s.rec, Detail: s.inspect != nil, AckDelay: c.AckDelay})

	ours, theirs := []netip.Prefix{c.Addr}, []netip.Prefix{c.Peer}
	if c.Addr6.IsValid() {
		ours, theirs = append(ours, c.Addr6), append(theirs, c.Peer6)
	}
	eth, err := s.host.Attach(s.link(loop), ours...)
	if err != nil {
		return nil, err
	}
	for _, peer := range theirs {
		// Whoever reaches us comes by way of the kernel; so go the answers.
		everywhere := netip.PrefixFrom(peer.Addr(), 0).Masked()
		if err := eth.AddRoute(everywhere, peer.Addr()); err != nil {
			return nil, err
		}
	}
	if c.Capture != "" {
		if s.capture, err = capture.Create(c.Capture, loop); err != nil {
			return nil, fmt.Errorf("--pcap: %w", err)
		}
		see, err := s.capture.Interface(s.dev.Name(), "strata's end of "+s.dev.Name(), s.dev.TAP())
		if err != nil {
			return nil, fmt.Errorf("--pcap: %w", err)
		}
		eth.Tap().Listen(see)
	}
	s.place = place{
		shape: c.Shape.String(), back: c.Back.String(), seed: c.Seed,
		device: s.dev.Name(), netns: c.Netns, offload: s.dev.Offload(), note: note,
		ours: addrs(ours), theirs: addrs(theirs), port: c.Port, mtu: c.MTU, tls: c.TLS, zone: zone,
		joinHint: joinHint(), commandFollows: len(c.Command) > 0,
	}
	if err := s.serveNames(); err != nil {
		return nil, err
	}
	if err := s.serveSite(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Last: now whoever comes is served.
	if err := netconf.Configure(c.Netns, s.dev.Name(), netconf.Config{MTU: c.MTU, Addrs: theirs, Up: true}); err != nil {
		return nil, err
	}
	if s.capture != nil {
		if err := s.capture.Begin(); err != nil {
			return nil, fmt.Errorf("--pcap: %w", err)
		}
	}
	s.inspect.serve(s.dev.Name()+" · strata serve", s.host, s.wire, s.dev.Name())
	s.place.inspect = s.inspect.url()
	s.report.ready(&s.place)
	return s, nil
}

// link is what our host is attached to: the device, or the wire to it.
func (s *server) link(loop clock.Loop) gstack.LinkEndpoint {
	c := s.config
	if !c.shaped() && s.inspect == nil {
		return s.dev
	}
	// A wire with a shape cuts super-segments into packets anyway. So our host
	// cuts its own, and computes the checksums that the kernel will verify.
	s.wire = link.NewWire(link.WireConfig{
		Loop: loop, Name: wireName, Seed: c.Seed, AB: c.Shape, BA: c.Back, Ethernet: c.TAP, MTU: uint32(c.MTU), NoOffload: true,
		Recorder: s.inspect.wireRecorder(),
	})
	s.cord = link.Patch(s.wire.B(), s.dev)
	return s.wire.A()
}

// cut ends the wire.
func (s *server) cut() {
	if s.wire != nil {
		_ = s.wire.Close()
		_ = s.cord.Close()
	}
}

// slower is a time that is enough on a perfect wire, and what its shape adds now
// to a few round trips, up to a minute.
func (s *server) slower(d time.Duration) time.Duration {
	if s.wire == nil {
		return d
	}
	oneWay := func(way *link.Direction) time.Duration {
		delay := way.Shape().Delay
		return delay.Time + 4*delay.Jitter
	}
	return d + min(4*(oneWay(s.wire.AB())+oneWay(s.wire.BA())), time.Minute)
}

func addrs(prefixes []netip.Prefix) []netip.Addr {
	var all []netip.Addr
	for _, p := range prefixes {
		all = append(all, p.Addr())
	}
	return all
}

// serveNames answers for the zone on port 53, by UDP and TCP.
func (s *server) serveNames() error {
	var table names.Table
	for _, name := range []string{zone, "*." + zone} {
		table.Set(name, s.place.ours...)
	}
	var err error
	if s.names, err = names.NewServer(names.ServerConfig{Zone: zone, Table: &table, Loop: s.host.Loop()}); err != nil {
		return err
	}
	packets, err := (&udp.ListenConfig{Host: s.host}).ListenPacket(context.Background(), "udp", fmt.Sprintf(":%d", dnsPort))
	if err != nil {
		return err
	}
	ln, err := tcp.Listen(s.host, "tcp", fmt.Sprintf(":%d", dnsPort))
	if err != nil {
		return err
	}
	go s.names.ServePacket(packets)
	go s.names.ServeListener(ln)
	return nil
}

// serveSite serves the site, by HTTP or HTTPS.
func (s *server) serveSite() error {
	limited := tcp.ListenConfig{Host: s.host, Admit: upTo(maxConnections, s.host)}
	ln, err := limited.Listen(context.Background(), "tcp", fmt.Sprintf(":%d", s.config.Port))
	if err != nil {
		return err
	}
	s.site = site.New(site.Config{Recorder: s.rec, Host: hostName})
	s.http = &http.Server{
		Handler:           s.site,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(s.complaints(), "strata: ", 0),
	}
	if !s.config.TLS {
		go s.http.Serve(ln)
		return nil
	}
	cert, fingerprint, err := selfSigned(s.place.ours, []string{zone, "*." + zone}, time.Now())
	if err != nil {
		return fmt.Errorf("--tls: making a certificate: %w", err)
	}
	s.place.fingerprint = fingerprint
	config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	if s.capture != nil {
		config.KeyLogWriter = s.capture.KeyLog() // who asks for a capture wants to read it
	}
	s.http.TLSConfig = traced(config, s.rec)
	go s.http.ServeTLS(ln, "", "")
	return nil
}

// traced reports each finished TLS handshake.
func traced(c *tls.Config, rec trace.Recorder) *tls.Config {
	if rec == nil {
		return c
	}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		flow := trace.FlowOf(hello.Conn.LocalAddr(), hello.Conn.RemoteAddr())
		one := c.Clone()
		one.VerifyConnection = func(state tls.ConnectionState) error {
			rec.Record(trace.Event{At: time.Now(), Host: hostName, Flow: flow, What: trace.TLS{
				Version: tls.VersionName(state.Version), CipherSuite: tls.CipherSuiteName(state.CipherSuite),
				ServerName: state.ServerName, ALPN: state.NegotiatedProtocol,
			}})
			return nil
		}
		return one, nil
	}
	return c
}

// close ends everything in order: what is said above TCP, then TCP, then the
// device.
func (s *server) close() error {
	s.inspect.close()
	ctx, cancel := context.WithTimeout(context.Background(), s.slower(closeTimeout))
	defer cancel()
	// The site first: who polls has to be let in once more to be told.
	_ = s.site.Close(ctx)
	// Who has connected and says nothing, or not all, has nothing to lose.
	answers, done := context.WithTimeout(ctx, s.slower(httpTimeout))
	defer done()
	if s.http.Shutdown(answers) != nil {
		_ = s.http.Close()
	}
	_ = s.names.Close()
	drain.Wait(s.host, s.slower(finTimeout))
	s.cut()
	s.dev.Close()
	err := s.host.Close()
	if s.capture != nil {
		if cerr := s.capture.Close(); cerr != nil {
			err = fmt.Errorf("--pcap: %w", cerr)
		}
		if n := s.capture.Missing(); n > 0 {
			fmt.Fprintf(s.config.Stderr, "strata: --pcap %s: %d packets are missing: it was slower than the network\n", s.config.Capture, n)
		}
	}
	s.report.close()
	return err
}

// abandon ends what start had begun.
func (s *server) abandon() {
	s.inspect.close()
	if s.site != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.site.Close(ctx)
	}
	if s.http != nil {
		_ = s.http.Close()
	}
	if s.names != nil {
		_ = s.names.Close()
	}
	s.cut()
	if s.dev != nil {
		s.dev.Close()
	}
	if s.host != nil {
		_ = s.host.Close()
	}
	if s.capture != nil {
		s.capture.Discard()
	}
}

// complaints is where net/http's complaints about clients go: nowhere, unless
// everything is to be told.
func (s *server) complaints() io.Writer {
	if s.config.Output.Verbose {
		return s.config.Stderr
	}
	return io.Discard
}
