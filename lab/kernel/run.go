//go:build linux

package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"

	"strata/lab/workload"
)

// Run runs a workload between kernels, in real time. Namespaces and devices are
// gone when it returns, and those of runs that were killed with the next.
func Run(ctx context.Context, w *workload.Workload, p *workload.Params, seed uint64) (*workload.Result, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the kernel engine needs root, to make network namespaces")
	}
	removeOrphans()
	n, err := newNetwork(ctx, p, seed)
	if n != nil {
		defer n.close()
	}
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	return w.Do(n, p)
}
