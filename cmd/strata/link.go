package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"strata/cable"
)

func linkCommand() *cobra.Command {
	c := cable.Config{Stdout: os.Stdout, Stderr: os.Stderr}
	var between, devices, addr, addr6, offload string
	var wire wireFlags
	cmd := &cobra.Command{
		Use:   "link --between A,B [flags] [-- COMMAND [ARGUMENT...]]",
		Short: "Join two network namespaces by a wire with a shape",
		Long: `Link opens a TUN device in each of two network namespaces, gives both kernels an
address, and carries packets between them as a shape says: delay, loss, rate,
queues, in the words of tc-netem, each direction apart and from a seed. It is
netem for kernels that have none. A COMMAND is run in A's namespace, and link
ends with it; else Ctrl-C ends it. Both devices are gone then.

It needs root. A namespace is a name that "ip netns" knows, a path, or "." for
the one you are in.

Through --control a program changes shapes, takes a direction down, or adds
rules for packets, while it runs: JSON lines, each answered by one with the
counters.
  {"set":"ab","shape":"delay 80ms"}   {"down":"both"}        {"up":"both"}
  {"rule":"drop first syn-ack"}       {"blackhole":"ba"}     {"counters":true}`,
		Example: `  ip netns add blue; ip netns add green
  strata link --between blue,green --shape "delay 80ms loss 1%"
  ip netns exec blue ping 10.78.0.2                        (in another terminal)

  strata link --between blue,green --shape "preset lte"    down from A to B, up from B to A
  strata link --between .,blue --shape "rate 2mbit limit 50" --back ""
  strata link --between blue,green --shape "delay 20ms" -- ping -c 3 10.78.0.2
  strata link --between blue,green --control /run/cable.sock
  echo '{"set":"ab","shape":"loss 30%"}' | socat - /run/cable.sock`,
		Args: commandBehindDashes,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Command = args
			if between == "" {
				return usageError{errors.New("--between A,B is wanted: which two network namespaces to join")}
			}
			var err error
			if c.Shape, c.Back, err = wire.shapes(cmd); err != nil {
				return err
			}
			if c.Offload, err = offloadMode(offload); err != nil {
				return err
			}
			for _, p := range []struct {
				flag, value string
				a, b        *string
			}{{"between", between, &c.A.Netns, &c.B.Netns}, {"dev", devices, &c.A.Device, &c.B.Device}} {
				if *p.a, *p.b, err = pair(p.flag, p.value); err != nil {
					return err
				}
			}
			for _, ns := range []*string{&c.A.Netns, &c.B.Netns} {
				if *ns == "." {
					*ns = ""
				}
			}
			for _, p := range []struct{ flag, value string }{{"addr", addr}, {"addr6", addr6}} {
				if p.value == "" {
					continue
				}
				a, b, err := prefixPair(p.flag, p.value)
				if err != nil {
					return err
				}
				c.A.Addrs, c.B.Addrs = append(c.A.Addrs, a), append(c.B.Addrs, b)
			}
			if len(args) > 0 {
				c.Stdout = os.Stderr // standard output is the command's
				interruptIsCommands.Store(term.IsTerminal(int(os.Stdin.Fd())))
			}
			return cable.Run(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&between, "between", "", "the two network namespaces, A,B: names, paths, or . for this one")
	wire.add(f, "what A to B does to packets (tc-netem's words, or preset NAME)", "what B to A does (default as --shape; of a preset, its way up)")
	f.Uint64Var(&c.Seed, "seed", 1, "what everything that is left to chance comes from")
	f.BoolVar(&c.TAP, "tap", false, "Ethernet instead of bare IP")
	f.StringVar(&addr, "addr", "10.78.0.1/24,10.78.0.2/24", `A's and B's address; "" for no IPv4`)
	f.StringVar(&addr6, "addr6", "fd78::1/64,fd78::2/64", `A's and B's IPv6 address; "" for no IPv6`)
	f.StringVar(&devices, "dev", "cable0,cable0", "names of the devices in A and B")
	f.IntVar(&c.MTU, "mtu", 1500, "largest IP packet, bytes")
	f.StringVar(&offload, "offload", "auto", "pass segments 64 KiB at a time where the wire is perfect: auto, on or off")
	f.StringVar(&c.Capture, "pcap", "", "write all that crosses both devices to this file (pcapng)")
	f.StringVar(&c.Control, "control", "", "listen on this unix socket for JSON lines that change the wire")
	f.BoolVar(&c.JSON, "json", false, "print JSON lines")
	_ = cmd.RegisterFlagCompletionFunc("offload", cobra.FixedCompletions([]string{"auto", "on", "off"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagFilename("pcap", "pcapng")
	return cmd
}

// pair reads two values, parted by a comma.
func pair(flag, value string) (a, b string, err error) {
	a, b, ok := strings.Cut(value, ",")
	if !ok || a == "" || b == "" || strings.Contains(b, ",") {
		return "", "", fmt.Errorf("--%s %q: two are wanted, like A,B", flag, value)
	}
	return a, b, nil
}

// prefixPair reads two addresses of a family with the size of their network.
func prefixPair(flag, value string) (a, b netip.Prefix, err error) {
	example := map[string]string{"addr": "10.78.0.1/24,10.78.0.2/24", "addr6": "fd78::1/64,fd78::2/64"}[flag]
	s, t, err := pair(flag, value)
	if err == nil {
		if a, err = netip.ParsePrefix(s); err == nil {
			b, err = netip.ParsePrefix(t)
		}
	}
	if err != nil || a.Addr().Is4() != (flag == "addr") || b.Addr().Is4() != (flag == "addr") {
		return a, b, fmt.Errorf("--%s %q: two addresses with their network's size are wanted, like %s", flag, value, example)
	}
	return a, b, nil
}
