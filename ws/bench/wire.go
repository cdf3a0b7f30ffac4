package main

import (
	"net"
	"net/netip"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// overWire measures over two hosts of ours that a wire in memory joins.
func overWire(s server, l load) (figure, error) {
	w := link.NewWire(link.WireConfig{})
	defer w.Close()
	client, host := stack.New(stack.Config{Name: "client"}), stack.New(stack.Config{Name: "server"})
	defer client.Close()
	defer host.Close()
	if _, err := client.Attach(w.A(), netip.MustParsePrefix("10.0.0.1/24")); err != nil {
		return figure{}, err
	}
	if _, err := host.Attach(w.B(), netip.MustParsePrefix("10.0.0.2/24")); err != nil {
		return figure{}, err
	}
	ln, err := tcp.Listen(host, "tcp", "10.0.0.2:80")
	if err != nil {
		return figure{}, err
	}
	defer ln.Close()
	go s.serve(ln, serverOptions{})
	return l.run(func() (net.Conn, error) {
		return (&tcp.Dialer{Host: client}).Dial("tcp", "10.0.0.2:80")
	}, nil)
}
