//go:build linux

package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"

	"strata/lab/workload"
)

// Ready says what of the machine stands in the way of Run, before anything is made:
// nil where nothing does.
func Ready(p *workload.Params) error {
	if os.Geteuid() != 0 {
		return errors.New("the kernel engine needs root, to make network namespaces: run it with sudo, or without --kernel")
	}
	tun, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("the kernel engine needs /dev/net/tun: %w (as root: modprobe tun)", err)
	}
	tun.Close()
	if p.Clients > maxClients {
		return fmt.Errorf("the kernel engine has at most %d clients, not %d", maxClients, p.Clients)
	}
	return tryCongestionControl(congestionOf(p))
}

// Run runs a workload between kernels, in real time. Namespaces and devices are
// gone when it returns, and those of runs that were killed with the next.
func Run(ctx context.Context, w *workload.Workload, p *workload.Params, seed uint64) (*workload.Result, error) {
	if err := Ready(p); err != nil {
		return nil, err
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
