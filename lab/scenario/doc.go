// Package scenario runs a network test that is a file: hosts, wires, what happens
// to them when, a workload, and what is expected of it.
//
//	hosts: [server, phone]
//	wires:
//	  - phone ↔ server: preset lte
//	timeline:
//	  - at 3s: blackhole phone→server for 20s
//	workload:
//	  name: socketio-chat
//	  duration: 40s
//	expect:
//	  - p99(latency) < 400ms
//	  - lost == 0
//
// [Parse] reads one; its errors name the file's line. [Scenario.Run] runs it in a
// world, with one seed; [Scenario.Judge] holds the results to the expectations.
package scenario
