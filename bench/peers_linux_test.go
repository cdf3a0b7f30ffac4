package main

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every way that needs no module of its own carries every job, and ends.
func TestWays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root, to make network namespaces and devices")
	}
	starts := map[string]func(*way, string) error{"ours": (*way).ours}
	for _, peer := range userspace[:2] {
		if _, err := exec.LookPath(peer.name); err == nil {
			starts[peer.name] = peer.start
		}
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			w, err := openWay(t.TempDir(), start)
			require.NoError(t, err)
			defer w.Close()
			for _, job := range peerJobs {
				longEnough(t, job.what, func(d time.Duration) float64 {
					rate, err := w.measure(job.run, d)
					require.NoError(t, err)
					return rate
				})
			}
		})
	}
}
