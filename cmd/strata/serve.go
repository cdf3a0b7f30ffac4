package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"strata/serve"
	"strata/stack"
	"strata/tun"
)

func serveCommand() *cobra.Command {
	c := serve.Config{Stdout: os.Stdout, Stderr: os.Stderr, Spare: true}
	var addr, peer, addr6, peer6, offload string
	var wire wireFlags
	cmd := &cobra.Command{
		Use:   "serve [flags] [-- COMMAND [ARGUMENT...]]",
		Short: "Serve HTTP, WebSocket and Socket.IO from a TUN or TAP device",
		Long: `Serve opens a TUN device, gives the kernel's side of it an address, and is the
host at the other end: every packet the kernel sends there is answered by
Strata's own TCP/IP, from the SYN on. On it are a chat page (/), a WebSocket
echo (/echo), a Socket.IO server (/socket.io/) and a DNS server for
strata.test and *.strata.test.

As root the device is made in this network namespace, or in that of --netns.
Without the right to make one, serve enters a user and network namespace of its
own and says how to join it. A COMMAND is run in the device's namespace, and
serve ends with it.

With --inspect there is a live page, outside of any namespace of serve's own,
that shows connections, the ladder as it grows and why messages were late, and
steers the wire between serve and the device; so does its API:

  curl http://127.0.0.1:7070/api/state              also connections, messages
  curl "http://127.0.0.1:7070/api/events?since=0&wait=5"
  curl -d "delay 80ms loss 2%" http://127.0.0.1:7070/api/wires/serve/shape
  curl -X POST "http://127.0.0.1:7070/api/wires/serve/blackhole?direction=ab"
  curl -X POST http://127.0.0.1:7070/api/wires/serve/up    also down, drop-next-syn-ack

On an address that is not a loopback's it wants the token that is printed. With
a wire packets go one by one, as with --shape.

Serve takes one processor, and more while its work waits for one: threads that
wake each other cost small messages more than anything else. With GOMAXPROCS in
the environment it takes as many as that says.`,
		Example: `  sudo strata serve
  curl http://10.77.0.2/                                   (in another terminal)

  strata serve -- curl -s http://10.77.0.2/                as anybody, with no trace left
  ip netns add blue && strata serve --netns blue           its kernel side in a namespace
  strata serve --tls --pcap wire.pcapng                    https, and a capture for Wireshark
  strata serve --shape "delay 80ms loss 2%"                a bad network between it and its clients
  strata serve --inspect 127.0.0.1:7070                    a live page of all this, and its controls
  strata serve --tap --mtu 9000 --verbose                  Ethernet with jumbo frames
  strata serve --json | jq -c 'select(.kind=="segment")'   every handshake for a program`,
		Args: commandBehindDashes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := aboveZero(cmd, "port"); err != nil {
				return err
			}
			c.Command = args
			var err error
			if c.Shape, c.Back, err = wire.shapes(cmd); err != nil {
				return err
			}
			// One of the two is enough to say that there shall be no IPv6.
			switch given := cmd.Flags().Changed; {
			case addr6 == "" && !given("peer6"):
				peer6 = ""
			case peer6 == "" && !given("addr6"):
				addr6 = ""
			}
			for _, p := range []struct {
				flag, value string
				to          *netip.Prefix
			}{{"addr", addr, &c.Addr}, {"peer", peer, &c.Peer}, {"addr6", addr6, &c.Addr6}, {"peer6", peer6, &c.Peer6}} {
				if *p.to, err = prefix(p.flag, p.value); err != nil {
					return err
				}
			}
			if c.Offload, err = offloadMode(offload); err != nil {
				return err
			}
			if len(args) > 0 {
				c.Stdout = os.Stderr // standard output is the command's
				interruptIsCommands.Store(term.IsTerminal(int(os.Stdin.Fd())))
			}
			if serve.NeedsNamespace() {
				if c.Netns != "" {
					return fmt.Errorf("--netns %s: entering a namespace needs root", c.Netns)
				}
				return serve.RunInNamespace(interruptIsCommands.Load(), c.Inspect)
			}
			if f, ok := c.Stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
				c.Color = os.Getenv("NO_COLOR") == ""
				c.Width, _, _ = term.GetSize(int(f.Fd()))
			}
			return serve.Run(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&c.Device, "tun", "strata0", "name of the device")
	f.BoolVar(&c.TAP, "tap", false, "Ethernet instead of bare IP: ARP and NDP are ours too")
	f.StringVar(&c.Netns, "netns", "", "make the device in this network namespace, by name or path")
	f.StringVar(&addr, "addr", "10.77.0.2/24", "our address")
	f.StringVar(&peer, "peer", "10.77.0.1/24", "the kernel's address")
	f.StringVar(&addr6, "addr6", "fd77::2/64", `our IPv6 address; "" for no IPv6`)
	f.StringVar(&peer6, "peer6", "fd77::1/64", `the kernel's IPv6 address; "" for no IPv6`)
	f.IntVar(&c.MTU, "mtu", 1500, "largest IP packet, bytes")
	f.IntVar(&c.Port, "port", 0, "port of the services (default 80, with --tls 443)")
	f.DurationVar(&c.AckDelay, "ack-delay", stack.LinuxAckDelay, "how long an acknowledgement waits for data to travel with; 0 for never")
	f.StringVar(&offload, "offload", "auto", "pass segments 64 KiB at a time: auto, on or off")
	wire.add(f, "what the wire does to the packets from us (tc-netem's words, or preset NAME)", "what it does to those to us (default as --shape; of a preset, its way up)")
	f.Uint64Var(&c.Seed, "seed", 1, "what everything that is left to chance on the wire comes from")
	f.StringVar(&c.Inspect, "inspect", "", "serve a live page at this address of the kernel's, like 127.0.0.1:7070: connections, events, the wire and its controls")
	f.BoolVar(&c.TLS, "tls", false, "https and wss, by a certificate made for this run")
	f.StringVar(&c.Capture, "pcap", "", "write all that crosses the device to this file (pcapng, with the keys of --tls)")
	f.BoolVarP(&c.Output.Quiet, "quiet", "q", false, "print nothing but errors")
	f.BoolVarP(&c.Output.Verbose, "verbose", "v", false, "print every connection's ladder")
	f.BoolVar(&c.Output.JSON, "json", false, "print JSON lines (with a COMMAND to standard error: standard output is the command's)")
	cmd.MarkFlagsMutuallyExclusive("quiet", "verbose")
	cmd.MarkFlagsMutuallyExclusive("quiet", "json")
	_ = cmd.RegisterFlagCompletionFunc("offload", cobra.FixedCompletions([]string{"auto", "on", "off"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagFilename("pcap", "pcapng")
	return cmd
}

// prefix reads an address with the size of its network; "" is none.
func prefix(flag, value string) (netip.Prefix, error) {
	if value == "" && (flag == "addr6" || flag == "peer6") {
		return netip.Prefix{}, nil
	}
	p, err := netip.ParsePrefix(value)
	if err != nil {
		example := map[string]string{"addr": "10.77.0.2/24", "peer": "10.77.0.1/24", "addr6": "fd77::2/64", "peer6": "fd77::1/64"}[flag]
		return p, fmt.Errorf("--%s %q: an address with its network's size is wanted, like %s", flag, value, example)
	}
	return p, nil
}

func offloadMode(s string) (tun.Offload, error) {
	modes := []string{"auto", "on", "off"}
	switch slices.Index(modes, s) {
	case 0:
		return tun.Auto, nil
	case 1:
		return tun.On, nil
	case 2:
		return tun.Off, nil
	}
	return 0, fmt.Errorf("--offload %q: must be auto, on or off", s)
}
