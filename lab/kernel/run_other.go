//go:build !linux

package kernel

import (
	"context"
	"errors"

	"strata/lab/workload"
)

var errOther = errors.New("the kernel engine needs Linux: network namespaces and TUN devices")

// Ready says that this needs Linux.
func Ready(*workload.Params) error { return errOther }

// Run says that this needs Linux.
func Run(context.Context, *workload.Workload, *workload.Params, uint64) (*workload.Result, error) {
	return nil, errOther
}
