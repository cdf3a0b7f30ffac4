//go:build !race

package tun

// bulk is how much every mode and MTU carries each way.
const bulk = 64 << 20
