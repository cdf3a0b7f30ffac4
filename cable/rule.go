package cable

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"strata/link"
)

// ParseRule reads a rule for packets from a sentence:
//
//	VERB WHICH KIND              drop first syn-ack, corrupt 3rd data, mark every packet
//	delay WHICH KIND by TIME     delay 3rd data by 200ms
//	reset at byte NUMBER         reset at byte 10000: connections that carry more end there
//
//	VERB  := drop | duplicate | corrupt | mark | reset
//	WHICH := first | every | 1st | 2nd | 3rd | 4th …
//	KIND  := syn | syn-ack | handshake-ack | data | ack | fin | rst |
//	         retransmission | udp | icmp | packet
//
// TIME is as Go has it, up to an hour. The rule counts for itself: each call
// begins anew.
func ParseRule(text string) (link.Rule, error) {
	words := strings.Fields(text)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	if word(0) == "reset" && word(1) == "at" {
		n, err := strconv.ParseUint(word(3), 10, 63)
		if word(2) != "byte" || err != nil || len(words) != 4 {
			return nil, fmt.Errorf("rule %s: it goes like: reset at byte 10000", quote(text))
		}
		return link.ResetAtByte(n), nil
	}
	verdict, known := verbs[word(0)]
	used := 3
	if word(0) == "delay" {
		d, err := time.ParseDuration(word(4))
		if word(3) != "by" || err != nil || d <= 0 || d > time.Hour {
			return nil, fmt.Errorf("rule %s: it goes like: delay 3rd data by 200ms (up to an hour)", quote(text))
		}
		verdict, known, used = link.DelayBy(d), true, 5
	}
	if !known {
		return nil, fmt.Errorf("rule %s: %s: expected delay, %s", quote(text), quote(word(0)), list(verbs))
	}
	n, known := ordinal(word(1))
	if !known {
		return nil, fmt.Errorf("rule %s: %s: expected first, every, 1st, 2nd, 3rd, 4th and so on", quote(text), quote(word(1)))
	}
	match, known := kinds[word(2)]
	if !known {
		return nil, fmt.Errorf("rule %s: %s: expected %s", quote(text), quote(word(2)), list(kinds))
	}
	if len(words) > used {
		return nil, fmt.Errorf("rule %s: %s: nothing was expected there", quote(text), quote(word(used)))
	}
	if n == every {
		return link.Each(match, verdict), nil
	}
	return link.Nth(n, match, verdict), nil
}

var verbs = map[string]link.Verdict{
	"drop": link.Drop, "duplicate": link.Duplicate, "corrupt": link.Corrupt, "mark": link.Mark, "reset": link.Reset,
}

var kinds = map[string]link.Match{
	"syn": link.SYN, "syn-ack": link.SYNACK, "handshake-ack": link.HandshakeACK, "data": link.Data, "ack": link.ACK,
	"fin": link.FIN, "rst": link.RST, "retransmission": link.Retransmission, "udp": link.UDP, "icmp": link.ICMP,
	"packet": func(*link.View) bool { return true },
}

// list is the words that a map knows, for an error.
func list[T any](known map[string]T) string {
	var words []string
	for w := range known {
		words = append(words, w)
	}
	slices.Sort(words)
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// every is the ordinal of all.
const every = 0

// ordinal reads which packet is meant, counted from 1, or every.
func ordinal(s string) (n int, ok bool) {
	switch s {
	case "first":
		return 1, true
	case "every":
		return every, true
	}
	if len(s) < 3 || !slices.Contains([]string{"st", "nd", "rd", "th"}, s[len(s)-2:]) {
		return 0, false
	}
	u, err := strconv.ParseUint(s[:len(s)-2], 10, 31)
	return int(u), err == nil && u > 0
}

// quote keeps what was said on one line of a bearable length.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(s)
}
