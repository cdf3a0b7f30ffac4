// Package metrics shows a server's counters to Prometheus, in its text format,
// and without its library:
//
//	http.Handle("/metrics", metrics.Handler(io))
//
// Who has a registry of that library already makes a collector of
// [socketio.Server.Counters].
package metrics
