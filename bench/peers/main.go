//go:build linux

package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
)

// device is what both call theirs.
const device = "peer0"

const mtu = 1500

func main() {
	netns := flag.String("netns", "", "the network namespace of the clients, a path")
	to := flag.String("to", "", "where each connection goes, host:port")
	flag.Parse()
	peers := map[string]func(netns, to string) error{"wireguard-go": wireguard, "gvisor-tap-vsock": tapVsock}
	run := peers[flag.Arg(0)]
	if run == nil || *netns == "" || *to == "" {
		fmt.Fprintln(os.Stderr, "peers: say -netns, -to, and wireguard-go or gvisor-tap-vsock")
		os.Exit(2)
	}
	if err := run(*netns, *to); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// forward joins a client's connection to one of its own to the server.
func forward(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		io.Copy(server, client)
		server.(*net.TCPConn).CloseWrite()
		close(done)
	}()
	io.Copy(client, server)
	if c, ok := client.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	<-done
}
