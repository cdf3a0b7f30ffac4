package link_test

import (
	"fmt"
	"time"

	"strata/link"
)

// A wire whose directions differ, as an access link's do, which gets worse while
// it runs.
func ExampleWire_Set() {
	wire := link.NewWire(link.WireConfig{
		Name: "phone-tower", Seed: 1,
		AB: link.MustParseShape("delay 30ms rate 2mbit limit 50"),
		BA: link.MustParseShape("delay 30ms rate 20mbit queue fq_codel"),
	})
	defer wire.Close()
	// client.Attach(wire.A(), …), server.Attach(wire.B(), …)

	if err := wire.AB().Set(link.MustParseShape("delay 80ms 20ms loss 5%")); err != nil {
		fmt.Println(err)
	}
	fmt.Println(wire.AB().Shape())
	fmt.Println(wire.AB().Counters().Dropped(), "lost")
	// Output:
	// delay 80ms 20ms loss 5%
	// 0 lost
}

// Rules decide about single packets, and read as what they do.
func ExampleWire_Rule() {
	wire := link.NewWire(link.WireConfig{})
	defer wire.Close()

	guard := wire.Rule(link.DropFirst(link.SYNACK))
	wire.Rule(link.DelayNth(3, link.Data, 200*time.Millisecond))
	wire.Rule(link.ResetAtByte(10_000))
	wire.AB().Rule(link.DropNumbers(17, 40))
	wire.Rule(func(v *link.View) link.Verdict {
		if v.FromA && link.FIN(v) && v.Stream.Retransmission {
			return link.Duplicate
		}
		return link.Pass
	})
	guard.Release() // SYN-ACKs pass again
}
