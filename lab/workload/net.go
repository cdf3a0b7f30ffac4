package workload

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"

	"strata/trace"
)

// Net is where a workload runs: a server and its clients, each on a wire of its
// own. In virtual time goroutines and waiting go through it.
type Net interface {
	Server() Host
	Clients() []Host

	Context() context.Context // ends with the net
	Elapsed() time.Duration   // since the net began, on its clock
	Sleep(d time.Duration)
	Go(f func())      // on a goroutine that the net waits for
	OnClose(f func()) // the last first

	// Cut has the wire of a client swallow what is sent from now on, both ways.
	Cut(client int)

	Rand(name string) io.Reader // chance of that name, from the seed
	Recorder() trace.Recorder   // nil where nobody records
}

// Host is one of a net's.
type Host interface {
	Name() string
	Listen(address string) (net.Listener, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	TLS() *tls.Config // that serves, and trusts the others
}
