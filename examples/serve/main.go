// Serve runs a Socket.IO server on a host of our own, at the other end of a TUN
// device: go build ./examples/serve && sudo ./serve
package main

import (
	"log"
	"net/http"
	"net/netip"

	"strata/processors"
	"strata/socketio"
	"strata/stack"
	"strata/tcp"
	"strata/tun"
	"strata/tun/netconf"
)

func main() {
	dev, err := tun.Open(tun.Config{Name: "strata1"})
	check(err)
	host := stack.New(stack.Config{Name: "server"})
	defer host.Close()
	_, err = host.Attach(dev, netip.MustParsePrefix("10.78.0.2/24"))
	check(err)

	ln, err := tcp.Listen(host, "tcp", ":80")
	check(err)
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("hello", func(name string, ack func(string)) { ack("hello, " + name) })
	})
	defer processors.Spare()() // small messages are up to 1.5 times as fast on as few as suffice

	// The kernel's side: its address, and the device up.
	check(netconf.Configure("", dev.Name(), netconf.Config{
		MTU: 1500, Addrs: []netip.Prefix{netip.MustParsePrefix("10.78.0.1/24")}, Up: true,
	}))
	check(http.Serve(ln, io)) // curl 'http://10.78.0.2/socket.io/?EIO=4&transport=polling'
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
