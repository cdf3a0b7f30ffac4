package workload

import (
	"net/http"

	"strata/ws"
)

// echoing is a WebSocket server that says everything back.
func echoing(n Net) http.HandlerFunc { return echoWith(n, nil, nil) }

func echoWith(n Net, compression *ws.Compression, opened func(*ws.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o := &ws.AcceptOptions{Compression: compression}
		if rec := n.Recorder(); rec != nil {
			o.Recorder, o.Host = rec, n.Server().Name()
		}
		c, err := ws.Accept(w, r, o)
		if err != nil {
			return
		}
		defer c.CloseNow()
		n.OnClose(func() { c.CloseNow() })
		if opened != nil {
			opened(c)
		}
		for {
			typ, p, err := c.Read(n.Context())
			if err != nil || c.Write(n.Context(), typ, p) != nil {
				return
			}
		}
	}
}
