//go:build linux

// Command peers is one of the userspace networks in Go that are measured beside
// ours: it makes a device peer0 in the network namespace of -netns, and forwards
// each connection that a client there makes to its server, to a socket of the
// kernel here.
//
//	go run . -netns /run/netns/blue -to 127.0.0.1:8080 wireguard-go
//
// Whoever starts it configures the kernel's side of the device. It is a module of
// its own, since each of them has a gVisor of its own and much else.
//
// wireguard-go is its tun/netstack behind its own TUN device, without the
// encryption that is between the two elsewhere; gvisor-tap-vsock is what podman's
// and other virtual machines use, with a TAP device for the machine's card.
package main
