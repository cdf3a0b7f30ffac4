package ws

import "math/bits"

// maxCode is the longest Huffman code of DEFLATE, bits (RFC 1951 §3.2.7).
const maxCode = 15

// code is what a Huffman code stands for, packed: the bits of the code itself in
// the lowest five bits (0: there is no such code), its kind in the next three,
// the number of extra bits that follow it in the next eight, its value above.
type code uint32

const (
	kindLiteral code = iota << 5 // value: the byte, or the symbol itself
	kindBase                     // value: the smallest length or distance; extra bits add to it
	kindEnd                      // end of block
	kindLink                     // value: where in the table the codes go on; extra: how many bits choose there
	kindNone                     // a symbol that may not be
	kindMask    = 7 << 5
)

func (c code) len() uint   { return uint(c & 31) }
func (c code) kind() code  { return c & kindMask }
func (c code) extra() uint { return uint(c>>8) & 0xFF }
func (c code) value() uint { return uint(c >> 16) }

func makeCode(kind code, extra, value uint) code {
	return kind | code(extra)<<8 | code(value)<<16
}

// huffman is a decoding table: the first 1<<root entries are chosen by the next
// root bits; longer codes go on in tables behind, to which a link leads.
type huffman struct {
	root  uint
	table []code
	link  []uint8 // by the first root bits: how many more the longest code has
}

// build makes the table of the codes with these lengths; symbol i stands for
// symbols[i]. It reports whether the lengths are possible: every sequence of bits
// must be a code, but for no code at all, or a single one of one bit, which zlib
// allows too.
func (h *huffman) build(lengths []uint8, symbols []code) bool {
	var count [maxCode + 1]int
	for _, n := range lengths {
		count[n]++
	}
	used := len(lengths) - count[0]
	count[0] = 0
	var next [maxCode + 2]uint
	left := 1
	for n := 1; n <= maxCode; n++ {
		left = left<<1 - count[n]
		if left < 0 {
			return false
		}
		next[n+1] = (next[n] + uint(count[n])) << 1
	}
	if left > 0 && !(used == 0 || used == 1 && count[1] == 1) {
		return false
	}

	size := 1 << h.root
	if cap(h.table) < size {
		h.table = make([]code, size, 2*size)
	}
	h.table = h.table[:size]
	clear(h.table)
	if long := used - sum(count[:h.root+1]); long > 0 {
		h.makeLinks(lengths, next)
	}
	for i, n := range lengths {
		if n == 0 {
			continue
		}
		length := uint(n)
		reversed := uint(bits.Reverse16(uint16(next[length])) >> (16 - length))
		next[length]++
		c := symbols[i] | code(length)
		if length <= h.root {
			for at := reversed; at < uint(size); at += 1 << length {
				h.table[at] = c
			}
			continue
		}
		link := h.table[reversed&uint(size-1)]
		behind := h.table[link.value() : link.value()+1<<link.extra()]
		for at := reversed >> h.root; at < uint(len(behind)); at += 1 << (length - h.root) {
			behind[at] = c
		}
	}
	return true
}

// makeLinks makes room for the codes that are longer than the root.
func (h *huffman) makeLinks(lengths []uint8, next [maxCode + 2]uint) {
	if h.link == nil {
		h.link = make([]uint8, 1<<h.root)
	}
	clear(h.link)
	first := uint(1)<<h.root - 1
	for _, n := range lengths {
		if length := uint(n); length > h.root {
			reversed := uint(bits.Reverse16(uint16(next[length])) >> (16 - length))
			next[length]++
			at := reversed & first
			h.link[at] = max(h.link[at], uint8(length-h.root))
		}
	}
	for at, more := range h.link {
		if more > 0 {
			h.table[at] = makeCode(kindLink, uint(more), uint(len(h.table))) | 1
			for range 1 << more {
				h.table = append(h.table, 0)
			}
		}
	}
}

func sum(counts []int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// The symbols of DEFLATE (RFC 1951 §3.2.5, §3.2.7).
var (
	literalCodes  = makeLiteralCodes()
	distanceCodes = makeDistanceCodes()
	lengthCodes   = makeLengthCodes()
	fixedLiterals = makeFixed(10, literalCodes[:], 144, 8, 112, 9, 24, 7, 8, 8)
	fixedDistance = makeFixed(8, distanceCodes[:], 32, 5)
)

func makeLiteralCodes() (c [288]code) {
	for i := range 256 {
		c[i] = makeCode(kindLiteral, 0, uint(i))
	}
	c[256] = kindEnd
	base := uint(3)
	for i := range 28 {
		extra := uint(max(0, i/4-1))
		c[257+i] = makeCode(kindBase, extra, base)
		base += 1 << extra
	}
	c[285] = makeCode(kindBase, 0, 258)
	c[286], c[287] = kindNone, kindNone
	return c
}

func makeDistanceCodes() (c [32]code) {
	base := uint(1)
	for i := range 30 {
		extra := uint(max(0, i/2-1))
		c[i] = makeCode(kindBase, extra, base)
		base += 1 << extra
	}
	c[30], c[31] = kindNone, kindNone
	return c
}

// makeLengthCodes is the alphabet in which the lengths of codes are told.
func makeLengthCodes() (c [19]code) {
	for i := range c {
		c[i] = makeCode(kindLiteral, 0, uint(i))
	}
	return c
}

// makeFixed is a table of fixed codes (RFC 1951 §3.2.6): runs of a count and a
// length.
func makeFixed(root uint, symbols []code, runs ...int) *huffman {
	var lengths []uint8
	for ; len(runs) > 0; runs = runs[2:] {
		for range runs[0] {
			lengths = append(lengths, uint8(runs[1]))
		}
	}
	h := &huffman{root: root}
	if !h.build(lengths, symbols) {
		panic("ws: the fixed codes are not complete")
	}
	return h
}
