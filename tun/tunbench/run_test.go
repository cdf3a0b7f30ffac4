//go:build linux

package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/tun/internal/nstest"
)

// The client is this very binary, started again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-client" {
		main()
		return
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's second of patience, for each of the clients
	os.Exit(m.Run())
}

// Every link does every job, the rows are complete, and nothing is left behind.
// How fast it was is nobody's business here.
func TestRun(t *testing.T) {
	nstest.New(t) // only for what it asks of the machine
	for _, tap := range []bool{false, true} {
		c := config{rounds: 1, time: 20 * time.Millisecond, mtu: 1500, tap: tap}
		results, err := run(context.Background(), c)
		require.NoError(t, err)
		require.Len(t, results, 4)
		machines, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
		require.NoError(t, err)
		congestion := strings.TrimSpace(string(machines))
		for _, r := range results {
			require.Equal(t, congestion, r.Congestion)
			for _, job := range jobs {
				require.Positive(t, r.Rate[job], "%s, %s", r.Link, job)
				require.Positive(t, r.Ratio[job], "%s, %s", r.Link, job)
			}
		}
		var table bytes.Buffer
		printTable(&table, c, results)
		require.Contains(t, table.String(), "offload")
		require.Contains(t, table.String(), "The kernel's congestion control is "+congestion+".\n")
	}
	left, err := os.ReadDir("/run/netns")
	require.NoError(t, err)
	for _, ns := range left {
		require.NotContains(t, ns.Name(), nstest.Prefix("tunbench"))
	}
}

func TestRefusesNonsense(t *testing.T) {
	for _, c := range []config{
		{rounds: 0, time: time.Second},
		{rounds: 1, time: time.Hour},
		{rounds: 1, time: time.Second, only: "pigeon"},
		{rounds: 1, time: time.Second, job: "juggle"},
	} {
		_, err := run(context.Background(), c)
		require.Error(t, err)
	}
}

func TestMedian(t *testing.T) {
	s := samples{}
	require.Zero(t, s.median("a", "b"))
	for _, v := range []float64{5, 1, 3} {
		s.add("a", "b", v)
	}
	require.Equal(t, 3.0, s.median("a", "b"))
	s.add("a", "b", 100)
	require.Equal(t, 4.0, s.median("a", "b"))
}
