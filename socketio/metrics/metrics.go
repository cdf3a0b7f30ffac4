package metrics

import (
	"fmt"
	"io"
	"iter"
	"net/http"

	"strata/socketio"
)

// Metric is one of a server's counters.
type Metric struct {
	Name    string // "socketio_connections_total"
	Help    string
	Counter bool // it only grows; otherwise it is a gauge
	Value   float64
}

// Kind is the type in Prometheus's words.
func (m Metric) Kind() string {
	if m.Counter {
		return "counter"
	}
	return "gauge"
}

// All is what a server has counted. Names and their order are always the same.
func All(c socketio.Counters) iter.Seq[Metric] {
	return func(yield func(Metric) bool) {
		gauge := func(name, help string, value int) bool {
			return yield(Metric{"socketio_" + name, help, false, float64(value)})
		}
		counter := func(name, help string, value uint64) bool {
			return yield(Metric{"socketio_" + name, help, true, float64(value)})
		}
		_ = gauge("clients", "connections that are open", c.Counters.Sessions) &&
			gauge("sockets", "sockets that are connected, in all namespaces", c.Sockets) &&
			counter("connections_total", "connections that were opened", c.Opened) &&
			counter("refused_total", "requests that were refused", c.Refused) &&
			counter("upgrades_total", "connections that changed to a better transport", c.Upgraded) &&
			counter("ping_timeouts_total", "connections whose client did not answer in time", c.PingTimeouts) &&
			counter("slow_clients_total", "connections that were closed because the client read too slowly", c.Slow) &&
			counter("volatile_dropped_total", "volatile messages that a client could not take", c.VolatileDropped) &&
			counter("packets_received_total", "Engine.IO packets", c.PacketsIn) &&
			counter("packets_sent_total", "Engine.IO packets", c.PacketsOut) &&
			counter("received_bytes_total", "of packets", c.BytesIn) &&
			counter("sent_bytes_total", "of packets", c.BytesOut) &&
			counter("joined_total", "sockets that were connected", c.Joined) &&
			counter("connect_errors_total", "clients that were not let into a namespace", c.ConnectErrors) &&
			counter("events_total", "events from clients", c.Events) &&
			counter("handler_panics_total", "handlers that panicked", c.Panics) &&
			counter("duplicates_total", "events that were sent twice and handled once", c.Duplicates) &&
			counter("recovered_total", "sockets that continued a session", c.Recovered) &&
			counter("not_recovered_total", "sockets that wanted to continue a session and could not", c.NotRecovered)
	}
}

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
	for m := range All(c) {
		if _, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %[1]s %[3]s\n%[1]s %.0[4]f\n", m.Name, m.Help, m.Kind(), m.Value); err != nil {
			return err
		}
	}
	return nil
}
