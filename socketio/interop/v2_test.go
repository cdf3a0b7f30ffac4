package interop_test

import (
	"testing"

	"strata/socketio/interop/checklist"
)

// The official client of version 2, over all it has: JSONP too, with as much of
// a document around it as that needs.
func TestOfficialClientV2(t *testing.T) {
	need(t)
	for _, transports := range checklist.TransportsV2 {
		t.Run(transports, func(t *testing.T) {
			t.Parallel()
			url := server(t, checklist.OptionsV2())
			checks(t, "client-v2.cjs", url, transports)
		})
	}
}
