// Package checklist is our side of what the official clients are asked to check
// (client.cjs and client-v2.cjs beside it), for whatever network they come by:
//
//	io := checklist.Server(&socketio.Options{Parser: msgpack.Format})
//	go http.Serve(ln, io)
//	out, _ := exec.Command("node", "client.cjs", url, "msgpack", "websocket", "plain").Output()
//	checks, err := checklist.Read(out)
package checklist
