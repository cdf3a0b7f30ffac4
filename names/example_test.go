package names_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"

	"strata/link"
	"strata/names"
	"strata/stack"
	"strata/tcp"
	"strata/udp"
)

// A host serves the names of strata.test, and another one asks it.
func Example() {
	wire := link.NewWire(link.WireConfig{})
	defer wire.Close()
	server, client := stack.New(stack.Config{Name: "server"}), stack.New(stack.Config{Name: "client"})
	defer server.Close()
	defer client.Close()
	if _, err := server.Attach(wire.A(), netip.MustParsePrefix("10.77.0.2/24")); err != nil {
		log.Fatal(err)
	}
	if _, err := client.Attach(wire.B(), netip.MustParsePrefix("10.77.0.1/24")); err != nil {
		log.Fatal(err)
	}

	table := &names.Table{}
	if err := table.Add("*.strata.test", netip.MustParseAddr("10.77.0.2")); err != nil {
		log.Fatal(err)
	}
	dns, err := names.NewServer(names.ServerConfig{Zone: "strata.test", Table: table, Loop: server.Loop()})
	if err != nil {
		log.Fatal(err)
	}
	defer dns.Close()
	pc, err := udp.Listen(server, "udp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	go dns.ServePacket(pc)
	ln, err := tcp.Listen(server, "tcp", ":53")
	if err != nil {
		log.Fatal(err)
	}
	go dns.ServeListener(ln)

	overUDP, overTCP := &udp.Dialer{Host: client}, &tcp.Dialer{Host: client}
	resolver, err := names.NewResolver(names.ResolverConfig{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if network == "udp" {
				return overUDP.DialContext(ctx, network, address)
			}
			return overTCP.DialContext(ctx, network, address)
		},
		Servers: []netip.AddrPort{netip.MustParseAddrPort("10.77.0.2:53")},
		Loop:    client.Loop(),
		Rand:    client.Rand(),
	})
	if err != nil {
		log.Fatal(err)
	}
	client.SetResolver(resolver) // for the dialers of udp and tcp

	addrs, err := resolver.LookupNetIP(context.Background(), "ip", "chat.strata.test")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(addrs)
	// Output: [10.77.0.2]
}
