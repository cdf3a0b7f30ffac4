package engineio

import (
	"encoding/json"
	"net/url"
	"strings"
)

// JSONP is long-polling for browsers of before CORS, of version 3 only: an
// answer is a script that calls a function with the payload, a request a form
// with the field d. Pages of every origin may read such answers.

// appendJSONP appends the script that hands a payload to function number j.
func appendJSONP(dst []byte, j string, payload []byte) []byte {
	dst = append(dst, "___eio["...)
	for _, c := range []byte(j) {
		if c >= '0' && c <= '9' { // nothing else of it gets into the script
			dst = append(dst, c)
		}
	}
	text, err := json.Marshal(string(payload)) // with U+2028 and < escaped: it is JavaScript, too
	if err != nil {
		panic(err) // a string
	}
	return append(append(append(dst, "]("...), text...), ");"...)
}

// lineBreaks undoes what the client does to line breaks, which forms change.
var lineBreaks = strings.NewReplacer(`\\n`, `\n`, `\n`, "\n")

// parseJSONP is the payload in a form; empty where there is none.
func parseJSONP(form []byte) []byte {
	fields, _ := url.ParseQuery(string(form)) // what cannot be read is not there
	if len(fields["d"]) != 1 {
		return nil
	}
	return []byte(lineBreaks.Replace(fields["d"][0]))
}
