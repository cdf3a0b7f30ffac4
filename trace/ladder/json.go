package ladder

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"strata/trace"
)

// jsonWaiting is how many bytes of JSON may wait for their writer.
const jsonWaiting = 4 << 20

// JSONLines writes each event as a line of JSON. Record may be called from
// many goroutines.
type JSONLines struct{ out sink }

var _ trace.Recorder = (*JSONLines)(nil)

// JSON makes a Recorder that writes each event to w as one line, as
// [trace.Event.MarshalJSON] has it. Characters that a terminal could obey or
// hide are escaped, as JSON allows.
//
// Where w is slower than the events come, some 4 MiB of them wait and further
// ones are left out; a line in their place counts them:
//
//	{"kind":"dropped","dropped":{"count":12}}
func JSON(w io.Writer) *JSONLines {
	return &JSONLines{sink{w: w, limit: jsonWaiting, gone: func(n int) []byte {
		return fmt.Appendf(nil, "{\"kind\":\"dropped\",\"dropped\":{\"count\":%d}}\n", n)
	}}}
}

// Record writes e; an event without a What is left out.
func (j *JSONLines) Record(e trace.Event) {
	if e.What == nil {
		return
	}
	line, err := json.Marshal(e)
	if err != nil { // a time that JSON cannot say
		j.out.skip()
		return
	}
	j.out.put(append(escapeJSON(line), '\n'))
}

// Note writes a line of the caller's, a JSON object, between those of the
// events. Like Record it never waits for the writer.
func (j *JSONLines) Note(line []byte) { j.out.put(append(escapeJSON(line), '\n')) }

// Close waits until all is written (at most two seconds for a writer that does
// not take it) and gives the first error of writing. Events after it are
// ignored.
func (j *JSONLines) Close() error { return j.out.close() }

// escapeJSON escapes what encoding/json leaves as it is and a terminal may
// obey: DEL, the control characters from U+0080, those that turn the direction
// of text. All that is not ASCII is within strings.
func escapeJSON(line []byte) []byte {
	clean := 0
	for clean < len(line) && line[clean] < 0x7f {
		clean++
	}
	if clean == len(line) {
		return line
	}
	out := append(make([]byte, 0, len(line)+64), line[:clean]...)
	for rest := line[clean:]; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case strconv.IsPrint(r):
			out = append(out, rest[:n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		rest = rest[n:]
	}
	return out
}
