//go:build !race

package tun

// shortBulk is how much every mode and MTU carries each way in a test.
const shortBulk = 64 << 20
