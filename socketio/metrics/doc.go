// Package metrics shows a server's counters to Prometheus, in its text format,
// and without its library:
//
//	http.Handle("/metrics", metrics.Handler(io))
//
// Who has a registry of that library registers the Collector of
// strata/socketio/prometheus instead, a module of its own. Both show what [All]
// lists.
package metrics
