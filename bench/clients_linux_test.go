package main

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/internal/fleet"
	"strata/link"
)

// The kernel's counter is found among the others, and descriptors that there are
// already need no asking.
func TestWhatClientsNeed(t *testing.T) {
	_, err := sentAgain()
	require.NoError(t, err)
	require.NoError(t, moreDescriptors(1))
}

// The server echoes to a fleet; here over the wire, where it takes no root.
func TestServeEcho(t *testing.T) {
	p, err := newPair(link.WireConfig{})
	require.NoError(t, err)
	defer p.close()
	ln, err := p.listen(80)
	require.NoError(t, err)
	defer ln.Close()
	go serveEcho(ln)
	r, err := fleet.Run(t.Context(), fleet.Config{URL: clientsURL, Clients: 3, Rounds: 2, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return p.dial(80)
	}})
	require.NoError(t, err)
	require.Equal(t, 6, r.Echoes)
}
