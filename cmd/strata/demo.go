package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"strata/demo"
)

func demoCommand() *cobra.Command {
	var c demo.Config
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show one conversation through all seven layers",
		Long: `Demo makes two hosts, each with a TCP/IP stack of its own, joins them by a wire
in memory, and lets a Socket.IO client on one say hello to a server on the
other. What happens on each layer is printed as it happens, as the server sees
it. It needs no privilege, no device and no port.`,
		Example: `  strata demo
  strata demo --json | jq .kind`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Stdout = cmd.OutOrStdout()
			if term.IsTerminal(int(os.Stdout.Fd())) {
				c.Color = os.Getenv("NO_COLOR") == ""
				c.Width, _, _ = term.GetSize(int(os.Stdout.Fd()))
			}
			return demo.Run(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.JSON, "json", false, "print JSON lines")
	return cmd
}
