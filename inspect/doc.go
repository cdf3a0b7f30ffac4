// Package inspect shows hosts and wires while they run, and steers the wires: a
// page for people, and the same as a small API for programs. It is what strata
// serve --inspect does.
//
//	rec := inspect.NewRecorder()
//	wire := link.NewWire(link.WireConfig{Name: "phone", Recorder: rec})
//	server := stack.New(stack.Config{Name: "server", Recorder: rec, Detail: true})
//	…
//	ln, token, err := inspect.Listen("127.0.0.1:7070")
//	page := inspect.New(inspect.Config{
//		Hosts: []*stack.Host{server}, Wires: []inspect.Wire{{Wire: wire, Name: "phone", A: "server", B: "phone"}},
//		Recorder: rec, Token: token,
//	})
//	go page.Serve(ln)
//	defer page.Close()
//
// The page is served on the kernel's sockets, for real time only. The API:
//
//	GET  /api/state                           hosts, wires with shapes and counters
//	GET  /api/connections?limit=N             as tcp.Netstat has them; those that are followed first, then the busiest
//	GET  /api/events?since=N&wait=SECONDS     what happened from event N on; waits for it up to 10 s; newest=N: the last N
//	GET  /api/messages                        the last messages, each with where its time went
//	GET  /api/wires/ID/shape                  {"ab":{"text":"delay 80ms","words":{"delay":"80ms"}},"ba":…}
//	POST /api/wires/ID/shape?direction=ab     tc-netem's words, or their JSON object or string
//	POST /api/wires/ID/blackhole              what is sent from now on is lost
//	POST /api/wires/ID/down                   the cable is pulled: what is under way is lost, too
//	POST /api/wires/ID/up                     the end of either
//	POST /api/wires/ID/drop-next-syn-ack      one packet is lost
//	GET  /timeline.html                       a page of all that is kept now; see package page
//
// A direction is ab, ba or, where none is given, both. A POST is answered with
// the wire as it is then. Times are nanoseconds; of events, RFC 3339. What is
// refused has a status of 400 or above, and one line: {"error":"…"}.
//
// # Who may
//
// On a loopback address everybody on this machine; on others whoever has the
// token, as ?token=… once (a cookie follows), or as Authorization: Bearer. Names
// other than localhost are refused in Host, so that no web site can make its own
// name point here (DNS rebinding), and so are requests that other sites' pages
// make. A shape that names a file is refused too: who may steer a wire may not
// read our disk.
//
// # What it costs
//
// Events are kept from the first request on until 20 seconds after the last: at
// most 1,000 in a tenth of a second, and the last 8,192 of all. Where connections
// say more together, some are followed, wholly, and the others not at all: their
// messages are explained, and the page says that they are some. Fewer are followed
// at once, and more again when there has been room for a second. What one
// connection alone says beyond that is left out, and counted. While nobody looks no more is kept than how connections began,
// so that what is said later has its place in their streams; the floors make no
// other events then (see [trace.Selective]). BenchmarkCost measures both.
package inspect
