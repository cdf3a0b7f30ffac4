//go:build race

package ws

// raceDetector makes everything ten times slower: the largest sizes are left out.
const raceDetector = true
