package link

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The values of a shape's text, as tc reads them (iproute2's get_time64,
// get_rate64, get_size, get_u32). Each function returns the value, or what is
// wrong with the word.

// numeral splits a word into the decimal number it begins with and what
// follows, its unit. What C's strtod takes beyond that (infinity, NaN, hex) is
// no number here.
func numeral(s string) (number, unit string) {
	i, digits := 0, 0
	for ; i < len(s) && isDigit(s[i:]); i++ {
		digits++
	}
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && isDigit(s[i:]); i++ {
			digits++
		}
	}
	if digits == 0 {
		return "", s
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if j < len(s) && isDigit(s[j:]) {
			for i = j; i < len(s) && isDigit(s[i:]); i++ {
			}
		}
	}
	return s[:i], s[i:]
}

// scaled reads a number with one of units, the scale of each in lower case.
// reason is "" or expected, or says that it is negative.
func scaled(s string, units map[string]float64, expected string) (v float64, reason string) {
	if strings.HasPrefix(s, "-") {
		return 0, "must not be negative; " + expected
	}
	number, unit := numeral(s)
	scale, ok := units[strings.ToLower(unit)]
	if number == "" || !ok {
		return 0, expected
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return math.Inf(1), "" // too large: left to the caller's bound
	}
	return v * scale, ""
}

const (
	expectedTime = "expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)"

	// maxTime is tc's: 32 bits of microseconds.
	maxTime = (1<<32 - 1) * time.Microsecond
)

var timeUnits = map[string]float64{
	"s": 1e9, "sec": 1e9, "secs": 1e9,
	"ms": 1e6, "msec": 1e6, "msecs": 1e6,
	"us": 1e3, "usec": 1e3, "usecs": 1e3, "": 1e3,
	"ns": 1, "nsec": 1, "nsecs": 1,
}

func readTime(s string) (time.Duration, string) {
	v, reason := scaled(s, timeUnits, expectedTime)
	if reason != "" {
		return 0, reason
	}
	// A float64 has the nanoseconds of maxTime with nine bits to spare.
	if v = math.Round(v); v > float64(maxTime) {
		return 0, "too long: at most " + formatTime(maxTime)
	}
	return time.Duration(v), ""
}

const expectedPercent = "expected a percentage such as 1%"

// readPercent reads a probability. It shifts the decimal point instead of
// dividing by 100, so that the float64 it returns is the nearest one.
func readPercent(s string) (float64, string) {
	if strings.HasPrefix(s, "-") {
		return 0, "must not be negative; " + expectedPercent
	}
	number, unit := numeral(s)
	if number == "" || unit != "" && unit != "%" {
		return 0, expectedPercent
	}
	mantissa, exponent := number, 0
	if e := strings.IndexAny(number, "eE"); e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(number[e+1:]); err != nil {
			return 0, expectedPercent
		}
		mantissa = number[:e]
	}
	if exponent < math.MinInt32 {
		return 0, expectedPercent
	}
	v, err := strconv.ParseFloat(mantissa+"e"+strconv.Itoa(exponent-2), 64)
	if err != nil || v > 1 {
		return 0, "more than 100%"
	}
	return v, ""
}

const (
	expectedRate = "expected a rate such as 2mbit (bit, kbit, mbit, gbit, tbit; bps, kbps … are bytes; a bare number is bit/s)"

	// maxRate is a thousand terabits a second: every whole rate to there is
	// exact in a float64.
	maxRate = 1e15
)

var rateUnits = map[string]float64{
	"": 1, "bit": 1,
	"kbit": 1e3, "mbit": 1e6, "gbit": 1e9, "tbit": 1e12,
	"kibit": 1 << 10, "mibit": 1 << 20, "gibit": 1 << 30, "tibit": 1 << 40,
	"bps":  8,
	"kbps": 8e3, "mbps": 8e6, "gbps": 8e9, "tbps": 8e12,
	"kibps": 8 << 10, "mibps": 8 << 20, "gibps": 8 << 30, "tibps": 8 << 40,
}

func readRate(s string) (uint64, string) {
	if strings.HasSuffix(s, "%") {
		return 0, "a wire has no speed of its own to take a percentage of; " + expectedRate
	}
	v, reason := scaled(s, rateUnits, expectedRate)
	switch v = math.Round(v); {
	case reason != "":
		return 0, reason
	case v > maxRate:
		return 0, "too fast: at most " + formatRate(maxRate)
	case v == 0:
		return 0, "a rate of zero lets nothing pass; leave rate out for no limit"
	}
	return uint64(v), ""
}

const expectedSize = "expected a size in bytes such as 64kb (k, m, g by 1024)"

var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30,
	"kbit": 1 << 10 / 8, "mbit": 1 << 20 / 8, "gbit": 1 << 30 / 8,
}

// maxBytes bounds the queue's and the slot's bytes: a gigabyte.
const maxBytes = 1 << 30

func readSize(s string) (int, string) {
	v, reason := scaled(s, sizeUnits, expectedSize)
	switch v = math.Floor(v); {
	case reason != "":
		return 0, reason
	case v > maxBytes:
		return 0, "too large: at most " + formatSize(maxBytes)
	case v == 0:
		return 0, "must not be zero"
	}
	return int(v), ""
}

// whole reads a number without a unit in the range of least to most; as tc
// does, in octal behind a 0 and in hexadecimal behind 0x.
func whole(least, most int) func(string) (int, string) {
	expected := "expected a whole number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)
	return func(s string) (int, string) {
		digits, negative := strings.CutPrefix(s, "-")
		base := 10
		switch {
		case strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X"):
			digits, base = digits[2:], 16
		case len(digits) > 1 && digits[0] == '0':
			base = 8
		}
		u, err := strconv.ParseUint(digits, base, 31)
		n := int(u)
		if negative {
			n = -n
		}
		if err != nil || n < least || n > most {
			return 0, expected
		}
		return n, ""
	}
}

// maxPackets bounds the queue: 16 million packets of a struct and 1500 bytes
// each are more than a machine has to spare.
const maxPackets = 1 << 24

// readPackets is for limit, which tc reads as a size: always decimal.
func readPackets(s string) (int, string) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n > maxPackets {
		if number, unit := numeral(s); number != "" && unit != "" {
			return 0, "limit is in packets, without a unit; for bytes write queue taildrop bytes " + clip(s)
		}
		return 0, "expected a number of packets from 1 to " + strconv.Itoa(maxPackets)
	}
	if n == 0 {
		return 0, "a queue of zero packets lets nothing pass"
	}
	return int(n), ""
}
