package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"strata/demo"
)

func demoCommand() *cobra.Command {
	var c demo.Config
	var wire wireFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show one conversation through all seven layers",
		Long: `Demo makes two hosts, each with a TCP/IP stack of its own, joins them by a wire
in memory, and lets a Socket.IO client on one say hello to a server on the
other. What happens on each layer is printed as it happens, as the server sees
it. It needs no privilege, no device and no port.`,
		Example: `  strata demo
  strata demo --shape "delay 80ms"        the same over a longer wire
  strata demo --shape "delay 30ms loss 20%" --seed 7
  strata demo --json | jq .kind`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if c.Shape, c.Back, err = wire.shapes(cmd); err != nil {
				return err
			}
			c.Stdout = cmd.OutOrStdout()
			if term.IsTerminal(int(os.Stdout.Fd())) {
				c.Color = os.Getenv("NO_COLOR") == ""
				c.Width, _, _ = term.GetSize(int(os.Stdout.Fd()))
			}
			return demo.Run(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	wire.add(f, "what the wire does to the server's packets (tc-netem's words, or preset NAME)", "what it does to the client's (default as --shape; of a preset, its way up)")
	f.Uint64Var(&c.Seed, "seed", 1, "what everything that is left to chance on the wire comes from")
	f.BoolVar(&c.JSON, "json", false, "print JSON lines")
	return cmd
}
