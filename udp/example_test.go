package udp_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"strata/link"
	"strata/stack"
	"strata/udp"
)

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

	pc, err := udp.Listen(server, "udp", ":7")
	if err != nil {
		log.Fatal(err)
	}
	defer pc.Close()
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if _, err := pc.WriteToUDPAddrPort(buf[:n], from); err != nil {
				return
			}
		}
	}()

	dialer := &udp.Dialer{Host: client}
	conn, err := dialer.DialContext(context.Background(), "udp", "10.77.0.2:7")
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "anybody there?")
	buf := make([]byte, 1500)
	n, err := conn.Read(buf)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", conn.RemoteAddr(), buf[:n])
	// Output: 10.77.0.2:7: anybody there?
}
