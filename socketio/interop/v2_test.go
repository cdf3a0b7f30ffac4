package interop_test

import (
	"testing"
	"time"

	"strata/socketio"
)

// The official client of version 2, over all it has: JSONP too, with as much of
// a document around it as that needs.
func TestOfficialClientV2(t *testing.T) {
	need(t)
	for _, transports := range []string{"websocket", "polling", "polling,websocket", "jsonp"} {
		t.Run(transports, func(t *testing.T) {
			t.Parallel()
			url := server(t, &socketio.Options{AllowEIO3: true, PingInterval: 200 * time.Millisecond, PingTimeout: 5 * time.Second})
			checks(t, "client-v2.cjs", url, transports)
		})
	}
}
