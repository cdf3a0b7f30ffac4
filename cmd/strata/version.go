package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what was built, of what, with what",
		Example: `  strata version
  go run ./cmd/strata version`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			version, revision := "(devel)", ""
			info, ok := debug.ReadBuildInfo()
			if ok {
				version = info.Main.Version
			}
			gvisor := "unknown"
			if ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = " " + s.Value
					}
				}
				for _, d := range info.Deps {
					if d.Path == "gvisor.dev/gvisor" {
						gvisor = d.Version
					}
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "strata %s%s\ngvisor %s\n%s %s/%s\n", version, revision, gvisor, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
