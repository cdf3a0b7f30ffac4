package workload

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"gvisor.dev/gvisor/pkg/tcpip"
	gtcp "gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"strata/lab"
	"strata/tcp"
	"strata/trace"
)

// World is a world of package lab as a Net.
type World struct {
	*lab.World
	server  worldHost
	clients []worldHost
	wires   []*lab.Wire
	rec     trace.Recorder
}

var _ Net = (*World)(nil)

// NewWorld makes "server", as many clients as there are to be, "client1" and so
// on, and their wires. rec, which may be nil, is told of what the libraries above
// TCP do; give it to the world by lab.Record as well.
func NewWorld(w *lab.World, p *Params, rec trace.Recorder) (*World, error) {
	server := w.Host("server")
	var clients []*lab.Host
	var wires []*lab.Wire
	for i := range max(p.Clients, 1) {
		c := w.Host(fmt.Sprint("client", i+1))
		wire := w.Connect(server, c, p.Shape, p.Back)
		clients, wires = append(clients, c), append(wires, wire)
	}
	return OfHosts(w, server, clients, wires, p, rec)
}

// OfHosts is a Net of hosts that are there already. wires are all that the
// parameters of TCP are for, and the first of them, one for each client, are what
// Cut cuts.
func OfHosts(w *lab.World, server *lab.Host, clients []*lab.Host, wires []*lab.Wire, p *Params, rec trace.Recorder) (*World, error) {
	n := &World{World: w, server: worldHost{server, w}, wires: wires, rec: rec}
	if err := tune(server, p); err != nil {
		return nil, err
	}
	for _, c := range clients {
		n.clients = append(n.clients, worldHost{c, w})
		if err := tune(c, p); err != nil {
			return nil, err
		}
	}
	if p.MSS > 0 {
		for _, wire := range wires {
			wire.Wire.A().SetMTU(uint32(p.MSS + ipAndTCP))
			wire.Wire.B().SetMTU(uint32(p.MSS + ipAndTCP))
		}
	}
	return n, nil
}

// ipAndTCP are the headers of IPv4 and TCP without options, which the MSS does not
// count (RFC 9293 §3.7.1).
const ipAndTCP = 40

// tune sets what the parameters say of TCP.
func tune(h *lab.Host, p *Params) error {
	set := func(option tcpip.SettableTransportProtocolOption) error {
		if err := h.Stack().SetTransportProtocolOption(gtcp.ProtocolNumber, option); err != nil {
			return fmt.Errorf("%s: %s", h.Name(), err.String())
		}
		return nil
	}
	if p.CongestionControl != "" {
		cc := tcpip.CongestionControlOption(p.CongestionControl)
		if err := set(&cc); err != nil {
			return err
		}
	}
	h.SetAckDelay(p.AckDelay)
	if p.Recovery == "sack" {
		none := tcpip.TCPRecovery(0)
		if err := set(&none); err != nil {
			return err
		}
	}
	if p.Buffers == 0 {
		return nil
	}
	const least = 4 << 10
	send := tcpip.TCPSendBufferSizeRangeOption{Min: least, Default: p.Buffers, Max: max(p.Buffers, least)}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: least, Default: p.Buffers, Max: max(p.Buffers, least)}
	fixed := tcpip.TCPModerateReceiveBufferOption(false)
	for _, option := range []tcpip.SettableTransportProtocolOption{&send, &receive, &fixed} {
		if err := set(option); err != nil {
			return err
		}
	}
	return nil
}

// Server implements Net.
func (n *World) Server() Host { return n.server }

// Clients implements Net.
func (n *World) Clients() []Host {
	hosts := make([]Host, len(n.clients))
	for i, c := range n.clients {
		hosts[i] = c
	}
	return hosts
}

// Cut implements Net.
func (n *World) Cut(client int) {
	n.wires[client].AB().Blackhole(true)
	n.wires[client].BA().Blackhole(true)
}

// Recorder implements Net.
func (n *World) Recorder() trace.Recorder { return n.rec }

// worldHost is a lab.Host as a Host.
type worldHost struct {
	*lab.Host
	w *lab.World
}

var _ Host = worldHost{}

func (h worldHost) Listen(address string) (net.Listener, error) {
	return (&tcp.ListenConfig{Host: h.Host.Host, KeepAlive: -1}).Listen(h.w.Context(), "tcp", address)
}

// DialContext has no keepalive that a workload did not ask for.
func (h worldHost) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return (&tcp.Dialer{Host: h.Host.Host, KeepAlive: -1}).DialContext(ctx, network, address)
}

func (h worldHost) TLS() *tls.Config { return h.w.TLSConfig(h.Host) }
