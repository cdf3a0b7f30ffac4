// Package prometheus is a collector of a Socket.IO server's counters for a
// registry of github.com/prometheus/client_golang:
//
//	registry.MustRegister(prometheus.NewCollector(io))
//
// Several servers in one registry want labels that tell them apart:
//
//	labels := client_golang.Labels{"server": "chat"}
//	client_golang.WrapRegistererWith(labels, registry).MustRegister(prometheus.NewCollector(io))
//
// It is a module of its own, so that who does not use it has none of that
// library's dependencies; package strata/socketio/metrics shows the same without
// any. Like strata itself it has no public home yet: a program elsewhere uses it by
//
//	go mod edit -require=strata/socketio/prometheus@v0.0.0 -replace=strata/socketio/prometheus=../strata/socketio/prometheus
package prometheus
