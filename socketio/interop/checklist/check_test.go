package checklist

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func ExampleRead() {
	checks, err := Read([]byte(`{"name":"order is kept"}` + "\n" + `{"name":"recovery","error":"no connect"}` + "\n"))
	fmt.Println(checks, err)
	// Output: [{order is kept } {recovery no connect}] <nil>
}

// A client that says nothing has checked nothing: that is no success.
func TestReadWantsChecks(t *testing.T) {
	_, err := Read(nil)
	require.EqualError(t, err, "the client checked nothing")
	_, err = Read([]byte("node: not found\n"))
	require.ErrorContains(t, err, `the client wrote "node: not found\n"`)
}
