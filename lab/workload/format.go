package workload

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Format writes a value of that unit for people: "412 ms", "3.2 Mbit/s", "0.05".
func Format(value float64, unit string) string {
	switch {
	case math.IsNaN(value):
		return "–"
	case unit == Seconds:
		return formatTime(value)
	case unit == Bits:
		return formatBits(value)
	case unit == Count:
		return digits(value)
	}
	return digits(value) + " " + unit
}

func formatTime(s float64) string {
	switch {
	case s == 0:
		return "0 ms"
	case math.Abs(s) < 1e-3:
		return digits(s*1e6) + " µs"
	case math.Abs(s) < 1:
		return digits(s*1e3) + " ms"
	case math.Abs(s) < 600:
		return digits(s) + " s"
	}
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

func formatBits(b float64) string {
	switch {
	case math.Abs(b) < 1e3:
		return digits(b) + " bit/s"
	case math.Abs(b) < 1e6:
		return digits(b/1e3) + " kbit/s"
	case math.Abs(b) < 1e9:
		return digits(b/1e6) + " Mbit/s"
	}
	return digits(b/1e9) + " Gbit/s"
}

// digits writes three or so.
func digits(v float64) string {
	decimals := 0
	switch a := math.Abs(v); {
	case a == math.Trunc(a):
	case a < 1:
		decimals = 3
	case a < 10:
		decimals = 2
	case a < 100:
		decimals = 1
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
