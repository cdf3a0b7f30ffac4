package metrics_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/client"
	"strata/socketio/metrics"
)

// What was counted is what is shown, each line in the format's form.
func TestMetrics(t *testing.T) {
	server := socketio.NewServer(nil)
	hs := httptest.NewServer(server)
	defer hs.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer server.Close(ctx)
	c, err := client.Dial(ctx, hs.URL, nil)
	require.NoError(t, err)
	defer c.Close()
	shown := httptest.NewServer(metrics.Handler(server))
	defer shown.Close()
	resp, err := http.Get(shown.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for _, want := range []string{"\nsocketio_clients 1\n", "\nsocketio_sockets 1\n", "\nsocketio_joined_total 1\n", "# TYPE socketio_clients gauge\n"} {
		require.Contains(t, string(body), want)
	}
	form := regexp.MustCompile(`^(# HELP socketio_[a-z_]+ .+|# TYPE socketio_[a-z_]+ (gauge|counter)|socketio_[a-z_]+ [0-9]+)$`)
	for line := range strings.Lines(string(body)) {
		require.Regexp(t, form, strings.TrimSuffix(line, "\n"))
	}
}

// Every counter is shown: one that is added and forgotten here is found out.
func TestAllCountersAreShown(t *testing.T) {
	var c socketio.Counters
	n := uint64(1001)
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		for i := range v.NumField() {
			switch f := v.Field(i); f.Kind() {
			case reflect.Struct:
				fill(f)
			case reflect.Int:
				f.SetInt(int64(n))
				n++
			default:
				f.SetUint(n)
				n++
			}
		}
	}
	fill(reflect.ValueOf(&c).Elem())
	var b strings.Builder
	require.NoError(t, metrics.Write(&b, c))
	for want := uint64(1001); want < n; want++ {
		require.Contains(t, b.String(), fmt.Sprintf(" %d\n", want))
	}
}
