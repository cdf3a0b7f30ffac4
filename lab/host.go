package lab

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"

	"strata/stack"
	"strata/tcp"
	"strata/udp"
)

// Host is a host of a world: a stack.Host with a name that the others know, and
// an IPv4 and an IPv6 address that it has on all its wires.
type Host struct {
	*stack.Host
	world        *World
	addr4, addr6 netip.Addr
	index        int  // from 1, in the order of making
	router       bool // forwards
	neighbours   []neighbour
	cert         *tls.Certificate // nil until TLSConfig is asked for
}

// neighbour is who is at the other end of one of a host's links.
type neighbour struct {
	host *Host
	link *stack.Link
	lan  bool // by a LAN: a router there has to be addressed
}

// Addr is the host's IPv4 address.
func (h *Host) Addr() netip.Addr { return h.addr4 }

// Addr6 is the host's IPv6 address.
func (h *Host) Addr6() netip.Addr { return h.addr6 }

// Listen listens on "tcp"; it fails the test where that does not work.
func (h *Host) Listen(address string) *tcp.Listener {
	h.world.t.Helper()
	ln, err := tcp.Listen(h.Host, "tcp", address)
	if err != nil {
		h.world.t.Fatalf("%s: %v", h.Name(), err)
	}
	return ln
}

// ListenPacket listens on "udp"; it fails the test where that does not work.
func (h *Host) ListenPacket(address string) *udp.Conn {
	h.world.t.Helper()
	pc, err := (&udp.ListenConfig{Host: h.Host}).ListenPacket(context.Background(), "udp", address)
	if err != nil {
		h.world.t.Fatalf("%s: %v", h.Name(), err)
	}
	return pc
}

// DialContext dials from this host, by tcp or udp; names are those of the
// world's hosts. It fits http.Transport and the clients of ws and socketio.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if len(network) >= 3 && network[:3] == "udp" {
		return (&udp.Dialer{Host: h.Host}).DialContext(ctx, network, address)
	}
	return (&tcp.Dialer{Host: h.Host}).DialContext(ctx, network, address)
}

// Transport is an http.Transport that dials from this host, trusts the world's
// certificates and, as every http.Transport with a dialer of its own, speaks
// HTTP/1.1 unless ForceAttemptHTTP2 is set. Its idle connections are closed with
// the world.
func (h *Host) Transport() *http.Transport {
	tr := &http.Transport{DialContext: h.DialContext, TLSClientConfig: h.world.TLSConfig(h)}
	h.world.OnClose(tr.CloseIdleConnections)
	return tr
}

// Netstat is a look at the host's TCP endpoints.
func (h *Host) Netstat() tcp.Table { return tcp.Netstat(h.Host) }
