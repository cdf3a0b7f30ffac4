package link

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a shape's text.
type word struct {
	text   string
	at     int  // offset in the text, bytes
	quoted bool // it stood in quotes: a file's name, never a word of the grammar
}

// splitWords cuts text at white space. A word that begins with a double quote
// is a Go string.
func splitWords(text string) ([]word, *ParseError) {
	var words []word
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if unicode.IsSpace(r) {
			at += size
			continue
		}
		rest := text[at:]
		w := word{at: at}
		if r == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, &ParseError{Word: rest, Offset: at, Reason: "the quotes do not end, or are no Go string"}
			}
			w.text, _ = strconv.Unquote(quoted)
			w.quoted = true
			at += len(quoted)
			if next, _ := utf8.DecodeRuneInString(text[at:]); at < len(text) && !unicode.IsSpace(next) {
				return nil, &ParseError{Word: text[at:], Offset: at, Reason: "expected a space after the quotes"}
			}
		} else {
			n := strings.IndexFunc(rest, unicode.IsSpace)
			if n < 0 {
				n = len(rest)
			}
			w.text = rest[:n]
			at += n
		}
		words = append(words, w)
	}
	return words, nil
}

// partWords are the words with which a part may begin.
var partWords = []string{
	"preset", "delay", "latency", "distribution", "loss", "drop", "corrupt", "duplicate", "reorder", "gap",
	"rate", "trace", "queue", "limit", "slot", "mtu",
}

// unknown says what may have been meant by a word that begins no part.
func unknown(w word) string {
	switch {
	case w.quoted:
		return "quotes are for the names of files"
	case strings.HasPrefix(w.text, "."):
		return "expected a word; a number that may be left out begins with a digit: 0" + clip(w.text)
	case isDigit(w.text) || strings.ContainsAny(w.text[:1], "+-%"):
		return "expected a word, not another number"
	}
	switch w.text {
	case "jitter":
		return "jitter has no word of its own: delay TIME JITTER"
	case "packets":
		return "packets belongs behind slot, before bytes; for the queue write limit"
	case "bytes":
		return "bytes belongs behind slot, or behind queue and its kind"
	case "target", "interval", "flows", "quantum":
		return w.text + " belongs behind queue codel or queue fq_codel"
	case "taildrop", "headdrop", "codel", "fq_codel":
		return "write queue " + w.text
	case "random", "state", "gemodel", "pattern", "list":
		return "write loss " + w.text
	case "uniform", "normal", "pareto", "paretonormal":
		return "write distribution " + w.text
	case "up", "down":
		return w.text + " belongs behind preset and its name"
	case "ecn":
		return "ecn is not here: what is lost is dropped, not marked"
	case "seed":
		return "seed is not here: a world or a wire has it"
	}
	if near := nearest(w.text, partWords); near != "" {
		return "unknown word; did you mean " + near + "?"
	}
	return "unknown word; expected one of " + oneOf(partWords)
}

// oneOf is "a, b or c".
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// nearest is the one of words that s was likely meant for: of which it is the
// beginning, as tc lets one write, or with at most two slips. "" is none.
func nearest(s string, words []string) string {
	if len(s) > 16 {
		return ""
	}
	best, at := "", 3
	for _, w := range words {
		if len(s) >= 2 && strings.HasPrefix(w, s) {
			return w
		}
		if n := slips(s, w); n < at && n < len(s) {
			best, at = w, n
		}
	}
	return best
}

// slips counts the letters to insert, drop, replace or swap with the next that
// make b of a (optimal string alignment).
func slips(a, b string) int {
	two, one := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := one[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(one[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one = one, row
	}
	return one[len(b)]
}
