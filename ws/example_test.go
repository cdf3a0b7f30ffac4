package ws_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"strata/ws"
)

// A server that echoes, and a client of it.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, nil)
		if err != nil {
			return // the answer is already written
		}
		defer c.CloseNow()
		for {
			typ, p, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), typ, p); err != nil {
				return
			}
		}
	}))
	defer server.Close()

	ctx := context.Background()
	c, _, err := ws.Dial(ctx, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	if err := c.Write(ctx, ws.MessageText, []byte("hello")); err != nil {
		fmt.Println(err)
		return
	}
	typ, p, err := c.Read(ctx)
	fmt.Println(typ, string(p), err)
	fmt.Println(c.Close(ws.StatusNormalClosure, ""))
	// Output:
	// text hello <nil>
	// <nil>
}
