package netnstests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What chat.mjs reports.
type (
	chatted struct {
		Clients []struct {
			Began     string // the transport that it connected with
			Transport string // that it had in the end
			Ack       string
			Messages  []string
		}
	}
	gone struct{ Reasons []string }
)

// The official Socket.IO client: with its default transports (polling, then an
// upgrade) and with each alone, two clients get their acks, hear each other,
// and are told when the server goes.
func TestChat(t *testing.T) {
	need(t, root, tunDevice, program("ip"), npm)
	for _, device := range []struct {
		name string
		args []string
		ipv6 bool
	}{
		{name: "tun"},
		{name: "tun over IPv6", ipv6: true},
		{name: "tun over TLS", args: []string{"--tls"}},
		{name: "tap", args: []string{"--tap"}},
		{name: "tap over TLS", args: []string{"--tap", "--tls"}},
	} {
		for _, transports := range []string{"polling,websocket", "websocket", "polling"} {
			t.Run(device.name+" by "+transports, func(t *testing.T) {
				t.Parallel()
				s := serve(t, newNamespace(t), device.args...)
				url := s.url()
				if device.ipv6 {
					url = s.url6(t)
				}
				client := startChat(t, s, url, transports)
				s.stop(t)
				told := report[gone](t, client, "gone")
				// As the official server leaves: a client that is told so comes back when it can.
				require.Equal(t, []string{"transport close", "transport close"}, told.Reasons)
				require.Equal(t, 0, client.exit(t))
			})
		}
	}
}

// startChat has two clients meet, and checks what they saw. They stay connected.
func startChat(t testing.TB, s *server, url, transports string) *process {
	t.Helper()
	client := s.ns.node(t, "chat.mjs", url, transports, s.ready.Fingerprint)
	saw := report[chatted](t, client, "chatted")
	list := strings.Split(transports, ",")
	require.Len(t, saw.Clients, 2)
	for i, c := range saw.Clients {
		require.Equal(t, list[0], c.Began, "the first of its transports")
		require.Equal(t, list[len(list)-1], c.Transport, "the last of its transports")
		require.Equal(t, "hello, "+[]string{"ann", "bob"}[i], c.Ack)
		require.Equal(t, []string{"hello from ann", "grüße von bob 🚀"}, c.Messages, "both, once, in order")
	}
	return client
}

// Two hundred clients at once, half of them through polling and the upgrade:
// each gets its own session and its ack, and all hear one message.
func TestCrowd(t *testing.T) {
	need(t, root, tunDevice, program("ip"), npm)
	const clients = 200
	s := serve(t, newNamespace(t))
	crowd := s.ns.node(t, "crowd.mjs", s.url(), "200")
	saw := report[struct{ IDs, WebSocket, Greeted, Heard int }](t, crowd, "crowd")
	require.Equal(t, clients, saw.IDs, "sessions of their own")
	require.Equal(t, clients, saw.WebSocket, "on a WebSocket in the end")
	require.Equal(t, clients, saw.Greeted, "acks")
	require.Equal(t, clients, saw.Heard, "the broadcast")
	require.Equal(t, 0, crowd.exit(t))
	s.stop(t)
}
