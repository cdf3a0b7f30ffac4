package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"strata/link"
)

// readShape reads the body of a request: tc-netem's words, or JSON.
func readShape(body []byte) (link.Shape, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' && body[0] != '"' {
		if err := noFiles(string(body)); err != nil {
			return link.Shape{}, err
		}
		return link.ParseShape(string(body))
	}
	var shape link.Shape
	// Of a key that is given twice only the last value is looked at, here and by
	// what reads it then.
	var given any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		return shape, fmt.Errorf("shape: %w", err)
	}
	if decoder.More() {
		return shape, errors.New("shape: more than one JSON value")
	}
	words := []any{given}
	if object, ok := given.(map[string]any); ok {
		words = nil
		for word, rest := range object {
			words = append(words, fmt.Sprint(word, " ", rest))
		}
	}
	for _, w := range words {
		if err := noFiles(fmt.Sprint(w)); err != nil {
			return shape, err
		}
	}
	plain, err := json.Marshal(given)
	if err != nil {
		return shape, fmt.Errorf("shape: %w", err)
	}
	err = json.Unmarshal(plain, &shape)
	return shape, err
}

// noFiles refuses what would have us read a file: its words could come back in
// the error.
func noFiles(text string) error {
	if strings.ContainsAny(text, "\"`") {
		return errors.New("shape: quotes are for the names of files, which are not read for the API")
	}
	words := strings.Fields(strings.ToLower(text))
	for i, w := range words {
		switch {
		case w == "trace":
			return errors.New("shape: trace names a file, which is not read for the API; give it on the command line")
		case w == "distribution" && i+1 < len(words):
			switch words[i+1] {
			case "uniform", "normal", "pareto", "paretonormal":
			default:
				return errors.New("shape: distribution must be uniform, normal, pareto or paretonormal; a file is not read for the API")
			}
		}
	}
	return nil
}
