// Package lab makes worlds: hosts joined by wires, in virtual time, from a seed.
//
// In a world nothing takes time but what the wires and the timers of TCP take,
// and that time does not pass on the wall: minutes of network are
// milliseconds of test. What happens is decided by the seed: the same seed
// gives the same packets, to the byte.
//
//	func TestChatSurvivesLoss(t *testing.T) {
//		lab.Run(t, func(w *lab.World) {
//			server, phone := w.Host("server"), w.Host("phone")
//			w.Connect(phone, server, link.MustParseShape("delay 80ms loss 5%"))
//			go http.Serve(server.Listen(":80"), handler)
//
//			client := http.Client{Transport: phone.Transport()}
//			resp, err := client.Get("http://server/")
//			…
//		})
//	}
//
// # How it works
//
// A world lives in a bubble of testing/synctest, whose clock moves on only when
// every goroutine in it waits. One goroutine, the world's, is the clock.Loop of
// all hosts and wires: it owns one queue of events (packets that arrive, timers
// of TCP), runs one at a time, in order of time and then of asking, and lets
// everything that the event woke come to rest before it takes the next. gVisor's
// own goroutines run only while the world waits for them.
//
// For that to be the same every time, GOMAXPROCS is 1 while a virtual world
// runs. A test with several seeds on several cores is several processes.
//
// What a program itself leaves to chance is not the seed's: which case a select
// takes where several are ready, the order of a map, what goroutines do that are
// ready at the same instant on a busy machine. The world takes most of that away:
// it wakes goroutines one at a time, starts those of [World.Go] one at a time,
// brings packets of one instant into an order of its own, and collects garbage
// only while everything rests. net/http's HTTP/2 does choose at random among what
// is ready, so its frames may fall into segments differently on a busy machine.
//
// # When a test fails
//
// The log says which seed it was, the command that replays it, where the capture
// of all packets is, and what the hosts' connections and the wires' packets came
// to. With -strata.seeds N a test is run with N seeds, a subtest each; what fails
// [World.T] tells which of them failed. [Shrink] finds the few lost packets that
// matter, and prints them as rules.
//
// # Rules of the bubble
//
// What a world's test starts has to end: goroutines that are left when the
// function returns keep the bubble from ending. Hosts and listeners are closed
// by the world. Use the world's Sleep and Settle in place of synctest.Wait, which
// the world needs for itself; time.Sleep and timers are virtual in the bubble
// and may be used. Kernel sockets do not work there.
package lab
