//go:build !race

package lab_test

const race = false
