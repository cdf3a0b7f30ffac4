//go:build race

package lab_test

// The race detector makes a world some thirty times slower: what only counts or
// repeats does less of it.
const race = true
