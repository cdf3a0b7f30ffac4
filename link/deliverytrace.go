package link

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	maxTraceEntries = 4 << 20  // 16 MB; an hour at 14 Mbit/s
	maxTraceFile    = 64 << 20 // bytes
)

// ReadDeliveryTrace reads mahimahi's format (mm-link(1)): each line is a
// millisecond, counted from the beginning, in which a packet of 1500 bytes may
// leave; as many lines with the same number, as many packets. The numbers never
// fall; the last is above zero, and there the trace begins again. Empty lines,
// comments and more than 4 million lines are refused, as is all else that
// mahimahi refuses; the errors are one line, with its number. name is what
// String writes, and what the errors begin with.
func ReadDeliveryTrace(r io.Reader, name string) (*DeliveryTrace, error) {
	t := &DeliveryTrace{Name: name}
	err := eachLine(r, name, maxTraceFile, func(line []byte) error {
		if len(line) == 0 {
			return errors.New("empty; every line is a millisecond")
		}
		ms, err := strconv.ParseUint(string(line), 10, 32)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return fmt.Errorf("%s milliseconds are too many", clip(string(line)))
		case err != nil:
			return fmt.Errorf("%q is not a whole number of milliseconds", clip(string(line)))
		case len(t.At) > 0 && uint32(ms) < t.At[len(t.At)-1]:
			return fmt.Errorf("%d comes after %d; the numbers never fall", ms, t.At[len(t.At)-1])
		case len(t.At) == maxTraceEntries:
			return fmt.Errorf("more than %d lines", maxTraceEntries)
		}
		t.At = append(t.At, uint32(ms))
		return nil
	})
	if err == nil {
		if reason := t.check(); reason != "" {
			err = fmt.Errorf("%s: %s", formatName(name), reason)
		}
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// check says what is wrong with a trace, also with one made as a struct.
func (t *DeliveryTrace) check() string {
	n := len(t.At)
	switch {
	case n == 0:
		return "the trace is empty"
	case n > maxTraceEntries:
		return "the trace is too large"
	case t.At[n-1] == 0:
		return "the trace has no length: its last number is 0"
	}
	last := uint32(0)
	for _, ms := range t.At {
		if ms < last {
			return "the trace falls"
		}
		last = ms
	}
	return ""
}
