package link_test

import (
	"encoding/json"
	"fmt"

	"strata/link"
)

func ExampleParseShape() {
	s, err := link.ParseShape("delay 80ms 10ms 25% distribution normal loss gemodel 1% 10% rate 2mbit limit 50")
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Delay.Time, s.Loss.R, s.Rate.Bits)
	s.Loss = link.Loss{}
	fmt.Println(s)

	_, err = link.ParseShape("dealy 80ms")
	fmt.Println(err)
	// Output:
	// 80ms 0.1 2000000
	// delay 80ms 10ms 25% distribution normal rate 2mbit limit 50
	// shape: "dealy" at 1: unknown word; did you mean delay?
}

func ExamplePreset() {
	down, up, _ := link.Preset("cable")
	fmt.Println(down)
	fmt.Println(up)

	// The same in words, with more of them.
	fmt.Println(link.MustParseShape("preset cable up queue fq_codel loss 1%"))
	// Output:
	// delay 14ms rate 5mbit limit 100
	// delay 14ms rate 1mbit limit 42
	// delay 14ms loss 1% rate 1mbit queue fq_codel
}

func ExampleShape_UnmarshalJSON() {
	var world struct{ Down, Up link.Shape }
	err := json.Unmarshal([]byte(`{
		"down": {"delay": "80ms 10ms", "loss": "gemodel 1% 10%", "limit": 50},
		"up":   "delay 80ms rate 1mbit"
	}`), &world)
	fmt.Println(err)
	fmt.Println(world.Down)
	fmt.Println(world.Up)
	// Output:
	// <nil>
	// delay 80ms 10ms loss gemodel 1% 10% limit 50
	// delay 80ms rate 1mbit
}
