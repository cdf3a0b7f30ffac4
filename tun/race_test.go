//go:build race

package tun

// bulk is how much every mode and MTU carries each way. The race detector makes
// both stacks ten times as slow.
const bulk = 4 << 20
