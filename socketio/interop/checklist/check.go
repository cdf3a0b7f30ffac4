package checklist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Check is what a client says of one of its checks.
type Check struct {
	Name  string
	Error string // what went wrong; "": nothing
}

// Read reads what a client wrote: a line of JSON each check. The error is that
// there is none, or what is no such line.
func Read(out []byte) ([]Check, error) {
	var checks []Check
	for line := range bytes.Lines(out) {
		var c Check
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, fmt.Errorf("the client wrote %q: %w", line, err)
		}
		checks = append(checks, c)
	}
	if len(checks) == 0 {
		return nil, errors.New("the client checked nothing")
	}
	return checks, nil
}
