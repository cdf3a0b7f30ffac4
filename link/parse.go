package link

import (
	"fmt"
	"strconv"
)

// ParseShape reads a shape from text, in the words of tc-netem(8). Where it
// departs from tc is said at the end.
//
//	SHAPE := [ PRESET ] and then, in any order, [ DELAY ] [ LOSS ] [ CORRUPT ]
//	         [ DUPLICATE ] [ REORDER ] [ RATE | TRACE ] [ QUEUE | LIMIT ] [ SLOT ] [ MTU ]
//
//	PRESET    := preset NAME [ down | up ]
//	DELAY     := { delay | latency } TIME [ JITTER [ CORRELATION ] ]
//	             [ distribution { uniform | normal | pareto | paretonormal | FILE } ]
//	LOSS      := { loss | drop } { [ random ] PERCENT [ CORRELATION ] |
//	                    state P13 [ P31 [ P32 [ P23 [ P14 ] ] ] ] |
//	                    gemodel P [ R [ 1-H [ 1-K ] ] ] |
//	                    pattern 0010… | list 3,7,9-12 }
//	CORRUPT   := corrupt PERCENT [ CORRELATION ]
//	DUPLICATE := duplicate PERCENT [ CORRELATION ]
//	REORDER   := reorder PERCENT [ CORRELATION ] [ gap DISTANCE ]
//	RATE      := rate RATE [ PACKETOVERHEAD [ CELLSIZE [ CELLOVERHEAD ] ] ]
//	TRACE     := trace FILE
//	QUEUE     := queue { taildrop | headdrop | codel | fq_codel }
//	             [ limit PACKETS ] [ bytes SIZE ] [ target TIME ] [ interval TIME ]
//	             [ flows NUMBER ] [ quantum SIZE ]
//	LIMIT     := limit PACKETS
//	SLOT      := slot MIN [ MAX ] [ packets PACKETS ] [ bytes SIZE ]
//	MTU       := mtu NUMBER
//
// The empty text is a perfect wire.
//
// # Words
//
// preset comes first and stands for the words of [Preset]; those that follow
// replace what it says of the same part: "preset lte loss 1%". Without down or
// up it is the direction down.
//
// delay holds each packet for TIME, give or take JITTER, as the distribution
// says: uniform (the default) between minus and plus JITTER, the others with
// JITTER for sigma. FILE is a table in tc's format ([ReadDistribution]).
//
// loss random loses each packet with PERCENT. gemodel is Gilbert and Elliott's
// two states: into the bad one with P and back with R, lost there with 1-H and
// in the good one with 1-K; what is left out is R = 1-P, 1-H = 100 %, 1-K = 0.
// state is the 4-state Markov model, left out P31 = 1-P13, P32 = 0, P23 = 100 %,
// P14 = 0. pattern is repeated, packet for packet, 1 is lost. list has the
// numbers of the packets that are lost, from 1, rising.
//
// corrupt flips one bit, duplicate sends a copy after the packet. reorder lets
// a packet pass the delay with PERCENT; where gap is given, not before
// DISTANCE-1 packets were delayed since the last that passed. It needs a delay.
//
// rate is how fast bits leave; PACKETOVERHEAD (may be negative) is added to
// each packet, which is then rounded up to cells of CELLSIZE, each with
// CELLOVERHEAD. trace has the moments instead, in mahimahi's format
// ([ReadDeliveryTrace]). queue is where packets wait for either: at most so
// many PACKETS (1000, unless there is a limit in bytes) and bytes; target,
// interval for codel and fq_codel, flows and quantum for fq_codel only. limit
// alone is a queue of the kind taildrop.
//
// slot lets packets arrive in bursts only, MIN to MAX apart. mtu is the
// largest IP packet in bytes, 68 to 65535; larger ones are dropped.
//
// # Values
//
// As tc reads them, units in either case. TIME: s, ms, us, ns (also sec, secs,
// msec …); a bare number is microseconds; at most 4294.967295s. PERCENT: 0 to
// 100, with or without %. RATE: bit, kbit, mbit, gbit, tbit, a bare number is
// bit/s; bps, kbps … are bytes a second; kibit, mibit, kibps … count by 1024.
// SIZE: bytes, k or kb, m or mb, g or gb (by 1024), kbit, mbit, gbit. PACKETS,
// NUMBER and DISTANCE are whole numbers. A number that may be left out begins
// with a digit. FILE is a path, in Go's double quotes where it has spaces.
//
// # Where this is not tc
//
// The one difference in meaning that old scripts may notice: jitter alone
// keeps the order of packets here; netem lets them overtake each other. Write
// reorder for that. And limit counts the packets that wait for the rate; netem
// counts those under delay as well.
//
// What tc refuses is refused, but for times in ns (tc has them for slots only)
// and those beyond its clock's 275 s. Refused beyond that is a word cut short
// ("dup") or given twice; a number that is hexadecimal, infinite or none where
// it may have a fraction; a limit with a unit (it would be packets all the
// same); a queue, slot or rate of zero; a rate as a percentage of a device's
// speed; chances of leaving a state that add up to more than 100 %; overhead of
// more than 65535 bytes, and that of cells without cells. ecn, seed and slot
// distribution are not here.
//
// The error is a [*ParseError].
func ParseShape(text string) (Shape, error) {
	p := parser{end: len(text)}
	p.words, p.err = splitWords(text)
	for p.err == nil && p.next < len(p.words) {
		p.part(p.words[p.next])
	}
	return p.finish()
}

// MustParseShape is [ParseShape] for texts that are known to be right: it
// panics where ParseShape has an error.
func MustParseShape(text string) Shape {
	s, err := ParseShape(text)
	if err != nil {
		panic(err)
	}
	return s
}

// ParseError says which word of a shape was refused, where it stands and why.
type ParseError struct {
	Part   string // the key where the shape was an object (JSON, YAML), otherwise ""
	Word   string // what was refused; "" is something missing
	Offset int    // of Word in the text (of the key's value), bytes from 0
	Reason string // what is wrong, or what was expected
	Err    error  // the file's, where a file was the reason; otherwise nil
}

// Error is one line; it counts the place from 1.
func (e *ParseError) Error() string {
	place := "shape: "
	if e.Part != "" {
		place += clip(e.Part) + ": "
	}
	switch {
	case e.Word != "":
		return fmt.Sprintf("%s%s at %d: %s", place, strconv.Quote(clip(e.Word)), e.Offset+1, e.Reason)
	case e.Part == "":
		return fmt.Sprintf("%sthe text ends at %d: %s", place, e.Offset+1, e.Reason)
	}
	return place + e.Reason
}

// Unwrap is Err.
func (e *ParseError) Unwrap() error { return e.Err }

// clip keeps a message one readable line, whatever was given for a word.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// parser reads the words of a shape, or of one part of it. The first error
// stays, and ends the reading.
type parser struct {
	words []word
	next  int // index into words
	end   int // of the text, for what is missing there
	key   string
	seen  map[string]wordPlace // of each part's word
	shape Shape
	err   *ParseError
}

// wordPlace is where a word stood: in the text, or in the value of a key. The word
// is empty where it was the key.
type wordPlace struct {
	key string
	word
}

func (p *parser) fail(w word, reason string) {
	if p.err == nil {
		p.err = &ParseError{Part: p.key, Word: w.text, Offset: w.at, Reason: reason}
	}
}

// take is the next word, which must be there.
func (p *parser) take() word {
	w := p.peek()
	p.next++
	return w
}

// peek is the next word, or an empty one at the end.
func (p *parser) peek() word {
	if p.next >= len(p.words) {
		return word{at: p.end}
	}
	return p.words[p.next]
}

// number says whether the next word begins with a digit: so tc tells a value
// that may be left out from the word after it.
func (p *parser) number() bool { return isDigit(p.peek().text) && p.err == nil }

// signed is number for values that may be negative.
func (p *parser) signed() bool {
	w := p.peek().text
	return (isDigit(w) || w != "" && w[0] == '-') && p.err == nil
}

func isDigit(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

// given says whether the text itself has the word; a preset does not count.
func (p *parser) given(name string) bool {
	_, ok := p.seen[name]
	return ok
}

// mark notes that the part called name begins at w, for the first time.
func (p *parser) mark(name string, w word) {
	if _, twice := p.seen[name]; twice {
		p.fail(w, name+" is given twice")
		return
	}
	if p.seen == nil {
		p.seen = make(map[string]wordPlace)
	}
	p.seen[name] = wordPlace{p.key, w}
}

// takeValue reads the next word with read, which returns what is wrong with it.
func takeValue[T any](p *parser, read func(string) (T, string)) T {
	w := p.take()
	v, reason := read(w.text)
	if reason != "" {
		p.fail(w, reason)
	}
	return v
}

// finish checks the whole, and points at the word that is to blame.
func (p *parser) finish() (Shape, error) {
	if p.err == nil {
		if f := p.fault(); f != nil {
			at, ok := p.seen[f.part]
			if !ok {
				at = p.seen["preset"]
			}
			p.key = at.key
			p.fail(at.word, f.reason)
		}
	}
	if p.err != nil {
		return Shape{}, p.err
	}
	return p.shape, nil
}

// fault is the shape's first, or that a distribution is written for nothing.
func (p *parser) fault() *shapeFault {
	d := &p.shape.Delay
	if p.given("distribution") && (d.Time == 0 || d.Jitter == 0) {
		return &shapeFault{"distribution", spreadsNothing}
	}
	return p.shape.check()
}
