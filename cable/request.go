package cable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"strata/link"
)

// request is one line that the control socket takes. One of the fields that
// say what to do is given; Shape and On go with Set and Rule.
type request struct {
	Set       string `json:"set"`
	Down      string `json:"down"`
	Up        string `json:"up"`
	Blackhole string `json:"blackhole"`
	Rule      string `json:"rule"`
	Remove    int    `json:"remove"`
	Counters  bool   `json:"counters"`

	Shape *link.Shape `json:"shape"`
	On    string      `json:"on"`
}

// answer is the line for it.
type answer struct {
	OK    bool      `json:"ok"`
	Error string    `json:"error,omitempty"`
	Rule  int       `json:"rule,omitempty"` // the number of the rule that was added
	AB    direction `json:"ab"`
	BA    direction `json:"ba"`
}

// direction is the state of one direction, for programs.
type direction struct {
	Shape    string        `json:"shape"`
	Counters link.Counters `json:"counters"`
}

func stateOf(d *link.Direction) direction { return direction{d.Shape().String(), d.Counters()} }

// parseRequest reads a line.
func parseRequest(line []byte) (request, error) {
	var r request
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		return r, fmt.Errorf("request: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return r, errors.New("request: there is more behind the object; each goes on a line of its own")
	}
	asked := 0
	for _, given := range []bool{r.Set != "", r.Down != "", r.Up != "", r.Blackhole != "", r.Rule != "", r.Remove != 0, r.Counters} {
		if given {
			asked++
		}
	}
	switch {
	case asked != 1:
		return r, fmt.Errorf("request: it asks for %d things; one of set, down, up, blackhole, rule, remove and counters is wanted", asked)
	case (r.Set != "") != (r.Shape != nil):
		return r, errors.New(`request: set and shape go together: {"set":"ab","shape":"delay 80ms"}`)
	case r.On != "" && r.Rule == "":
		return r, errors.New("request: on goes with rule")
	}
	return r, nil
}

// directions are those that a word means.
func directions(w *link.Wire, word string) ([]*link.Direction, error) {
	switch word {
	case "ab":
		return []*link.Direction{w.AB()}, nil
	case "ba":
		return []*link.Direction{w.BA()}, nil
	case "both":
		return []*link.Direction{w.AB(), w.BA()}, nil
	}
	return nil, fmt.Errorf("direction %s: it is ab, ba or both", quote(word))
}
