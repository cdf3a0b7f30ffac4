// Package clock is time and work given from outside.
//
// Every timer, delivery and wake-up of the lower floors (link, tun, stack,
// tcp, udp, names) goes through a [Loop] that was given at construction. In
// real time that is [Real]; in virtual time it is a world that owns one queue
// of events and lets nothing happen but the next of them. Nothing else has to
// change between the two.
//
//	loop := clock.Real()
//	timer := loop.At(loop.Now().Add(time.Second), func() { fmt.Println("a second later") })
//	defer timer.Stop()
package clock
