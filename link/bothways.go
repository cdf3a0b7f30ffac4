package link

import (
	"slices"
	"strings"
)

// ParseBothWays reads what a command line says of a wire: the shape of one
// direction, and of the other unless back is nil, when it is the same. A preset
// that names no direction is then down one way and up the other, as an access
// link is: so shape is that towards the user.
func ParseBothWays(shape string, back *string) (there, andBack Shape, err error) {
	if there, err = ParseShape(shape); err != nil {
		return Shape{}, Shape{}, err
	}
	if back == nil {
		up := upOf(shape)
		back = &up
	}
	if andBack, err = ParseShape(*back); err != nil {
		return Shape{}, Shape{}, err
	}
	return there, andBack, nil
}

// upOf names the direction up where a preset names none.
func upOf(shape string) string {
	words := strings.Fields(shape)
	if len(words) < 2 || words[0] != "preset" || len(words) > 2 && slices.Contains([]string{"up", "down"}, words[2]) {
		return shape
	}
	// Words are parted at spaces here, in which quotes play no part: those can
	// only come behind the preset's name.
	name := strings.Index(shape, words[0]) + len(words[0])
	name += strings.Index(shape[name:], words[1]) + len(words[1])
	return shape[:name] + " up" + shape[name:]
}
