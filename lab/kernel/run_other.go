//go:build !linux

package kernel

import (
	"context"
	"errors"

	"strata/lab/workload"
)

// Run says that this needs Linux.
func Run(context.Context, *workload.Workload, *workload.Params, uint64) (*workload.Result, error) {
	return nil, errors.New("the kernel engine needs Linux: network namespaces and TUN devices")
}
