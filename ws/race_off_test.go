//go:build !race

package ws

const raceDetector = false
