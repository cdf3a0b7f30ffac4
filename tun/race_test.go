//go:build race

package tun

// shortBulk is how much every mode and MTU carries each way in a test. The race
// detector makes both stacks ten times as slow.
const shortBulk = 4 << 20
