// Package fleet is many WebSocket clients, each of which has something echoed
// once in a while, and misses what does not come back: for tests and benchmarks
// of how many a server can hold.
//
//	r, err := fleet.Run(ctx, fleet.Config{URL: "ws://10.77.0.2/", Clients: 10_000, Every: time.Second, Rounds: 60})
package fleet
