// Package loss shows how to lose a packet and to see what TCP makes of it.
package loss

import (
	"fmt"
	"net/netip"
	"testing"

	"strata/link"
	"strata/stack"
	"strata/tcp"
)

// The first SYN-ACK is lost: the client sends its SYN again after a second
// (RFC 6298 §2), and the handshake takes that long.
func TestLostSYNACK(t *testing.T) {
	wire := link.NewWire(link.WireConfig{})
	wire.Rule(link.DropFirst(link.SYNACK))

	client, server := stack.New(stack.Config{Name: "client"}), stack.New(stack.Config{Name: "server"})
	defer client.Close()
	defer server.Close()
	client.Attach(wire.A(), netip.MustParsePrefix("10.0.0.1/24"))
	server.Attach(wire.B(), netip.MustParsePrefix("10.0.0.2/24"))

	ln, err := tcp.Listen(server, "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := (&tcp.Dialer{Host: client}).Dial("tcp", "10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.(*tcp.Conn).Handshake()) // SYN +0s, SYN-ACK +1.0…s, ACK +1.0…s; …
	if n := wire.BA().Counters().DroppedRule; n != 1 {
		t.Errorf("%d packets were lost", n)
	}
}
