package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"strata/link"
)

// wireFlags are --shape and --back.
type wireFlags struct{ shape, back string }

func (w *wireFlags) add(f *pflag.FlagSet, shape, back string) {
	f.StringVar(&w.shape, "shape", "", shape)
	f.StringVar(&w.back, "back", "", back)
}

// shapes reads both. A --back that is not given is as --shape; an empty one is
// a perfect wire.
func (w *wireFlags) shapes(cmd *cobra.Command) (shape, back link.Shape, err error) {
	if shape, back, err = link.ParseBothWays(w.shape, nil); err != nil {
		return shape, back, said("shape", err)
	}
	if cmd.Flags().Changed("back") {
		if back, err = link.ParseShape(w.back); err != nil {
			return shape, back, said("back", err)
		}
	}
	return shape, back, nil
}

// said names the flag instead of the grammar.
func said(flag string, err error) error {
	return fmt.Errorf("--%s: %s", flag, strings.TrimPrefix(err.Error(), "shape: "))
}
