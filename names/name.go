package names

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxName is the length of the longest name, in characters without a dot at
// its end (RFC 1035 §2.3.4: 255 bytes with the lengths of the labels).
const maxName = 253

// canonical is name as a table keeps it, in lower case and without the dot at
// its end. The error says what is wrong with it, not with which name.
func canonical(name string) (string, error) {
	name = strings.TrimSuffix(name, ".")
	if name == "" {
		return "", errors.New("it is empty")
	}
	if len(name) > maxName {
		return "", fmt.Errorf("it is longer than %d characters", maxName)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return "", errors.New("a label of it is empty")
		}
		if len(label) > 63 {
			return "", errors.New("a label of it is longer than 63 characters")
		}
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c > '~':
			return "", errors.New("it is not ASCII; give its xn-- form")
		case c <= ' ' || c == '\\':
			return "", fmt.Errorf("it contains %q", c)
		}
	}
	return strings.ToLower(name), nil
}

// cutLabel takes the last label off a name. A dot behind a backslash is part of
// a label: so a name from a packet is written (RFC 1035 §5.1).
func cutLabel(name string) (rest, label string) {
	for dot := len(name); ; {
		dot = strings.LastIndexByte(name[:dot], '.')
		if dot < 0 {
			return "", name
		}
		escapes := 0
		for escapes < dot && name[dot-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return name[:dot], name[dot+1:]
		}
	}
}

// inZone reports whether name is zone or below it; both canonical.
func inZone(name, zone string) bool {
	rest, ok := strings.CutSuffix(name, zone)
	if !ok || rest == "" {
		return ok
	}
	above, label := cutLabel(rest)
	return label == "" && above != "" // the dot between them is one, and not of a label
}

// parseReverse is the address that a canonical name of in-addr.arpa (RFC 1035
// §3.5) or ip6.arpa (RFC 3596 §2.5) stands for; false where it is not the full
// name of one.
func parseReverse(name string) (netip.Addr, bool) {
	if rest, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		labels := strings.Split(rest, ".")
		if len(labels) != 4 {
			return netip.Addr{}, false
		}
		var b [4]byte
		for i, label := range labels {
			n, err := strconv.ParseUint(label, 10, 8)
			if err != nil || strconv.FormatUint(n, 10) != label {
				return netip.Addr{}, false
			}
			b[3-i] = byte(n)
		}
		return netip.AddrFrom4(b), true
	}
	rest, ok := strings.CutSuffix(name, ".ip6.arpa")
	if !ok || len(rest) != 63 { // 32 digits and the dots between them
		return netip.Addr{}, false
	}
	var b [16]byte
	for i := range 32 {
		n, err := strconv.ParseUint(rest[2*i:2*i+1], 16, 4)
		if err != nil || i < 31 && rest[2*i+1] != '.' {
			return netip.Addr{}, false
		}
		b[15-i/2] |= byte(n) << (4 * (i % 2))
	}
	return netip.AddrFrom16(b), true
}
