package ladder_test

import (
	"log"
	"net/netip"
	"os"
	"time"

	"strata/trace"
	"strata/trace/ladder"
)

// The first connection to a server, as far as it is the first of its kind.
func Example() {
	l := ladder.New(os.Stdout, ladder.Options{Local: "strata", Width: 84})

	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	flow := trace.Flow{Local: netip.MustParseAddrPort("10.77.0.2:80"), Remote: netip.MustParseAddrPort("10.77.0.1:40122")}
	tell := func(after time.Duration, dir trace.Direction, what trace.What) {
		at = at.Add(after)
		l.Record(trace.Event{At: at, Dir: dir, Flow: flow, What: what})
	}
	tell(0, trace.In, trace.Segment{Flags: trace.SYN, Seq: 4021, Window: 64240, Options: trace.Options{MSS: 1460, SACKPermitted: true}})
	tell(34*time.Microsecond, trace.Out, trace.Segment{Flags: trace.SYN | trace.ACK, Seq: 99, Ack: 4022, Window: 29200, Options: trace.Options{MSS: 1460, SACKPermitted: true}})
	tell(21*time.Microsecond, trace.In, trace.Segment{Flags: trace.ACK, Seq: 4022, Ack: 100, Window: 64240})
	tell(2*time.Millisecond, trace.In, trace.HTTP{Method: "GET", Path: "/echo", Upgrade: "websocket", Key: "dGhlIHNhbXBsZSBub25jZQ=="})
	tell(90*time.Microsecond, trace.Out, trace.HTTP{Status: 101, Upgrade: "websocket", Key: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="})
	tell(time.Second, trace.In, trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 5, Preview: "hello"})

	if err := l.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	//                 strata 10.77.0.2:80                             peer 10.77.0.1:40122
	//                 │                                                                  │
	//       0 µs  L4  │◄─ SYN seq=4021 win=64240 len=0 mss=1460 sackOK ──────────────────│
	//      34 µs  L4  │── SYN-ACK seq=99 ack=4022 win=29200 len=0 mss=1460 sackOK ──────►│
	//      55 µs  L4  │◄─ ACK seq=4022 ack=100 win=64240 len=0 ──────────────────────────│
	//   2.055 ms  L5  │◄─ HTTP GET /echo ────────────────────────────────────────────────│
	//                 │   Upgrade: websocket                                             │
	//                 │   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==                    │
	//   2.145 ms  L5  │── HTTP 101 Switching Protocols ─────────────────────────────────►│
	//                 │   Upgrade: websocket                                             │
	//                 │   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=             │
	//    1.002 s  L6  │◄─ WebSocket text fin masked len=5 “hello” ───────────────────────│
}
