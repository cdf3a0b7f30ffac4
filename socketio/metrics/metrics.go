package metrics

import (
	"fmt"
	"io"
	"net/http"

	"strata/socketio"
)

// Handler answers with the counters as they are
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
func Handler(server *socketio.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = Write(w, server.Counters()) // a client that is gone asks again
	})
}

// Write writes counters in the text format.
func Write(w io.Writer, c socketio.Counters) error {
	for _, m := range []struct {
		name, kind, help string
		value            uint64
	}{
		{"clients", "gauge", "connections that are open", uint64(c.Counters.Sessions)},
		{"sockets", "gauge", "sockets that are connected, in all namespaces", uint64(c.Sockets)},
		{"connections_total", "counter", "connections that were opened", c.Opened},
		{"refused_total", "counter", "requests that were refused", c.Refused},
		{"upgrades_total", "counter", "connections that changed to a WebSocket", c.Upgraded},
		{"ping_timeouts_total", "counter", "connections whose client did not answer in time", c.PingTimeouts},
		{"slow_clients_total", "counter", "connections that were closed because the client read too slowly", c.Slow},
		{"volatile_dropped_total", "counter", "volatile messages that a client could not take", c.VolatileDropped},
		{"packets_received_total", "counter", "Engine.IO packets", c.PacketsIn},
		{"packets_sent_total", "counter", "Engine.IO packets", c.PacketsOut},
		{"received_bytes_total", "counter", "of packets", c.BytesIn},
		{"sent_bytes_total", "counter", "of packets", c.BytesOut},
		{"joined_total", "counter", "sockets that were connected", c.Joined},
		{"connect_errors_total", "counter", "clients that were not let into a namespace", c.ConnectErrors},
		{"events_total", "counter", "events from clients", c.Events},
		{"handler_panics_total", "counter", "handlers that panicked", c.Panics},
		{"duplicates_total", "counter", "events that were sent twice and handled once", c.Duplicates},
		{"recovered_total", "counter", "sockets that continued a session", c.Recovered},
		{"not_recovered_total", "counter", "sockets that wanted to continue a session and could not", c.NotRecovered},
	} {
		if _, err := fmt.Fprintf(w, "# HELP socketio_%s %s\n# TYPE socketio_%[1]s %[3]s\nsocketio_%[1]s %[4]d\n", m.name, m.help, m.kind, m.value); err != nil {
			return err
		}
	}
	return nil
}
