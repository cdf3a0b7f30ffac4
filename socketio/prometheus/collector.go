package prometheus

import (
	client "github.com/prometheus/client_golang/prometheus"

	"strata/socketio"
	"strata/socketio/metrics"
)

// Collector collects a server's counters, see [metrics.All].
type Collector struct {
	server *socketio.Server
	descs  map[string]*client.Desc // by name
}

var _ client.Collector = (*Collector)(nil)

// NewCollector makes the collector of a server.
func NewCollector(server *socketio.Server) *Collector {
	c := &Collector{server: server, descs: map[string]*client.Desc{}}
	for m := range metrics.All(socketio.Counters{}) {
		c.descs[m.Name] = client.NewDesc(m.Name, m.Help, nil, nil)
	}
	return c
}

// Describe names the metrics.
func (c *Collector) Describe(to chan<- *client.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect gives the counters as they are.
func (c *Collector) Collect(to chan<- client.Metric) {
	for m := range metrics.All(c.server.Counters()) {
		kind := client.GaugeValue
		if m.Counter {
			kind = client.CounterValue
		}
		to <- client.MustNewConstMetric(c.descs[m.Name], kind, m.Value)
	}
}
