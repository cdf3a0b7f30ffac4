package link

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// formatTime writes d exactly, in the largest unit of which there is one.
func formatTime(d time.Duration) string {
	unit, name := time.Nanosecond, "ns"
	switch {
	case d >= time.Second:
		unit, name = time.Second, "s"
	case d >= time.Millisecond:
		unit, name = time.Millisecond, "ms"
	case d >= time.Microsecond, d == 0:
		unit, name = time.Microsecond, "us"
	}
	text := strconv.FormatInt(int64(d/unit), 10)
	if rest := int64(d % unit); rest > 0 {
		// Behind the point as many places as the unit has, without the last
		// zeros: adding the unit keeps the leading ones.
		places := strconv.FormatInt(int64(unit)+rest, 10)[1:]
		text += "." + strings.TrimRight(places, "0")
	}
	return text + name
}

// formatPercent writes the shortest decimal that [readPercent] reads as p
// again: p's own digits with the point moved.
func formatPercent(p float64) string {
	if p == 0 {
		return "0%"
	}
	mantissa, exp, _ := strings.Cut(strconv.FormatFloat(p, 'e', -1, 64), "e")
	digits := strings.Replace(mantissa, ".", "", 1)
	exponent, _ := strconv.Atoi(exp)
	point := exponent + 3 // of the digits, how many are before the point
	switch {
	case point < -5 || point > 21:
		return mantissa + "e" + strconv.Itoa(exponent+2) + "%"
	case point <= 0:
		return "0." + strings.Repeat("0", -point) + digits + "%"
	case point >= len(digits):
		return digits + strings.Repeat("0", point-len(digits)) + "%"
	}
	return digits[:point] + "." + digits[point:] + "%"
}

// formatPercents writes values, each behind a space, without the last of them
// that are what they would be if left out.
func formatPercents(values, defaults []float64) string {
	n := len(values)
	for n > 0 && values[n-1] == defaults[n-1] {
		n--
	}
	var b strings.Builder
	for _, v := range values[:n] {
		b.WriteByte(' ')
		b.WriteString(formatPercent(v))
	}
	return b.String()
}

// formatRate writes bits a second in the largest unit that keeps them whole.
func formatRate(bits uint64) string {
	units := [...]string{"bit", "kbit", "mbit", "gbit", "tbit"}
	i := 0
	for ; i < len(units)-1 && bits != 0 && bits%1000 == 0; i++ {
		bits /= 1000
	}
	return strconv.FormatUint(bits, 10) + units[i]
}

// formatSize writes bytes in the largest unit that keeps them whole.
func formatSize(n int) string {
	units := [...]string{"", "kb", "mb", "gb"}
	i := 0
	for ; i < len(units)-1 && n != 0 && n%1024 == 0; i++ {
		n /= 1024
	}
	return strconv.Itoa(n) + units[i]
}

// formatList writes three and more numbers in a row as a range.
func formatList(numbers []uint64) string {
	var b strings.Builder
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if j < i+2 {
			j = i
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(numbers[i], 10))
		if j > i {
			b.WriteByte('-')
			b.WriteString(strconv.FormatUint(numbers[j], 10))
		}
		i = j + 1
	}
	return b.String()
}

// formatName writes a file's name as one word, in quotes where it is not.
func formatName(name string) string {
	plain := name != "" && name[0] != '"' && utf8.ValidString(name) &&
		strings.IndexFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) < 0
	if plain {
		return name
	}
	return strconv.Quote(name)
}
