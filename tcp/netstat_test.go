package tcp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"strata/link"
	"strata/tcp"
)

// Every endpoint is listed once, whatever it listens for, and says which.
func TestNetstatTellsListenersApart(t *testing.T) {
	_, server, _ := hosts(t, link.WireConfig{})
	for _, at := range []struct{ network, address string }{
		{"tcp6", ":80"}, {"tcp4", ":80"}, {"tcp", ":81"}, {"tcp", "10.0.0.2:82"}, {"tcp", "[fd00::2]:82"},
	} {
		ln, err := tcp.Listen(server, at.network, at.address)
		require.NoError(t, err)
		defer ln.Close()
	}
	var got []string
	table := tcp.Netstat(server)
	for _, i := range table {
		require.Equal(t, "LISTEN", i.State)
		got = append(got, i.Family+" "+i.Flow.Local.String())
	}
	require.Equal(t, []string{
		"tcp4 invalid AddrPort", "tcp6 invalid AddrPort", "tcp invalid AddrPort",
		"tcp4 10.0.0.2:82", "tcp6 [fd00::2]:82",
	}, got)
	text := table.String()
	for _, local := range []string{"0.0.0.0:80", "[::]:80", "*:81", "10.0.0.2:82", "[fd00::2]:82"} {
		require.Contains(t, text, " "+local+" ")
	}
}
