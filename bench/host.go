package main

import (
	"fmt"
	"net"
	"net/netip"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// pair is two hosts on a wire in memory.
type pair struct {
	wire           *link.Wire
	client, server *stack.Host
}

func newPair(c link.WireConfig) (*pair, error) {
	p := &pair{
		wire:   link.NewWire(c),
		client: stack.New(stack.Config{Name: "client", AckDelay: stack.LinuxAckDelay}),
		server: stack.New(stack.Config{Name: "server", AckDelay: stack.LinuxAckDelay}),
	}
	_, err := p.client.Attach(p.wire.A(), netip.MustParsePrefix("10.0.0.1/24"))
	if err == nil {
		_, err = p.server.Attach(p.wire.B(), netip.MustParsePrefix("10.0.0.2/24"))
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *pair) listen(port int) (net.Listener, error) {
	return tcp.Listen(p.server, "tcp", fmt.Sprintf("10.0.0.2:%d", port))
}

func (p *pair) dial(port int) (net.Conn, error) {
	return (&tcp.Dialer{Host: p.client}).Dial("tcp", fmt.Sprintf("10.0.0.2:%d", port))
}

func (p *pair) close() {
	p.client.Close()
	p.server.Close()
	p.wire.Close()
}
