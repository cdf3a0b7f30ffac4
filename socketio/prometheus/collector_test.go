package prometheus_test

import (
	"bytes"
	"net/http/httptest"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"strata/socketio"
	socketioclient "strata/socketio/client"
	"strata/socketio/metrics"
	"strata/socketio/prometheus"
)

// The library finds nothing wrong with the metrics, and what it shows is
// what package metrics writes without it.
func TestCollector(t *testing.T) {
	io := socketio.NewServer(nil)
	hs := httptest.NewServer(io)
	defer hs.Close()
	s, err := socketioclient.Dial(t.Context(), hs.URL, nil)
	require.NoError(t, err)
	_, err = s.Timeout(1).EmitWithAck(t.Context(), "nobody answers")
	require.Error(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, io.Close(t.Context()))

	registry := client.NewPedanticRegistry()
	require.NoError(t, registry.Register(prometheus.NewCollector(io)))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)

	var ours bytes.Buffer
	require.NoError(t, metrics.Write(&ours, io.Counters()))
	require.NoError(t, testutil.GatherAndCompare(registry, &ours))
}
