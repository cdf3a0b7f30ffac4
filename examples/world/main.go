// World runs a world outside of go test: what the first handshake costs on wires
// that lose more and more. go run ./examples/world
package main

import (
	"fmt"
	"testing"

	"strata/lab"
	"strata/link"
	"strata/tcp"
)

func main() {
	lab.Main(func(t *testing.T) {
		for _, loss := range []string{"0%", "10%", "30%"} {
			lab.Run(t, func(w *lab.World) {
				server, phone := w.Host("server"), w.Host("phone")
				w.Connect(phone, server, link.MustParseShape("delay 50ms loss "+loss))
				server.Listen(":80")
				c, err := phone.DialContext(w.Context(), "tcp", "server:80")
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				fmt.Printf("loss %s: %v\n", loss, c.(*tcp.Conn).Handshake())
			}, lab.Seed(7))
		}
	})
}
