// Package serve puts a host of ours on a TUN or TAP device and serves the site
// (package site) on it: what the command strata serve does.
//
//	err := serve.Run(ctx, serve.Config{Device: "strata0", Addr: addr, Peer: peer, Stdout: os.Stdout})
//
// Run returns when ctx ends, with everything closed in order: conversations
// are ended, TCP gets its FINs acknowledged, and the kernel forgets the device.
package serve
