package ws

import (
	"encoding/binary"
	"errors"
)

// inflater decompresses DEFLATE (RFC 1951) as a state machine on bytes: it is
// given input in pieces of any size and stops wherever that ends, with all that
// can be known until there put out. A reader that pulls its input, as compress/flate
// has, cannot stop: it would need a goroutine for each message that is under way,
// and would tell of an impossible byte only at the end of a block.
//
// Who drives it calls run until its input is taken, and after each call takes
// what is in fresh.
type inflater struct {
	out   []byte // history and fresh output, in one piece
	w     int    // out[:w] is written
	r     int    // out[r:w] is fresh
	limit int    // the largest distance; 0: all there is
	bits  uint64 // input bits, the next one lowest
	n     uint   // how many

	step  inflateStep
	final bool // the block is the last of its stream

	stored         int // bytes of a stored block that are still to come
	nlit, ndist    int // a dynamic block's alphabets
	ncode, lengths int // lengths of codes that there are, and that were read
	length         [320]uint8
	codes          huffman
	lit, dist      huffman
	literals       *huffman
	distances      *huffman
}

type inflateStep uint8

const (
	inflateHeader inflateStep = iota
	inflateStored
	inflateStoredBytes
	inflateDynamic
	inflateCodeLengths
	inflateLengths
	inflateBlock
)

const (
	maxWindow   = 1 << 15
	maxMatch    = 258
	inflateRoom = maxWindow + 2*maxWindow // history, and fresh output
)

var (
	errDeflateBlock    = errors.New("a DEFLATE block of reserved type")
	errDeflateStored   = errors.New("a stored DEFLATE block whose length does not match its complement")
	errDeflateLengths  = errors.New("DEFLATE code lengths that are no Huffman code")
	errDeflateEndless  = errors.New("a DEFLATE block without a code for its end")
	errDeflateCode     = errors.New("a DEFLATE code that stands for nothing")
	errDeflateDistance = errors.New("a DEFLATE distance beyond the window")
	errDeflateEnd      = errors.New("DEFLATE data that end inside a block")
)

func newInflater() *inflater {
	return &inflater{
		out:   make([]byte, inflateRoom),
		codes: huffman{root: 7},
		lit:   huffman{root: 10},
		dist:  huffman{root: 8},
	}
}

// reset begins a message; window is what came before it.
func (z *inflater) reset(window []byte) {
	z.w = copy(z.out, window)
	z.r = z.w
	z.bits, z.n, z.step, z.final = 0, 0, inflateHeader, false
	z.limit = 0
}

// fresh is what was put out since the last call.
func (z *inflater) fresh() []byte {
	p := z.out[z.r:z.w]
	z.r = z.w
	return p
}

// history is the end of all that was put out, at most n bytes.
func (z *inflater) history(n int) []byte {
	return z.out[max(0, z.w-n):z.w]
}

// atEnd reports whether a message may end here: its blocks are whole, and no bit
// but padding is left (RFC 7692 §7.2.2).
func (z *inflater) atEnd() bool { return z.step == inflateHeader && z.n == 0 }

// ended reports whether a stream ended with a block that said so, right here.
func (z *inflater) ended() bool { return z.atEnd() && z.final }

// run decompresses from the front of in until it is used up or the output is
// full, and returns what is left of it. Where again is true, fresh has to be
// taken and run called again, also where nothing is left.
func (z *inflater) run(in []byte) (rest []byte, again bool, err error) {
	if z.r == z.w && z.w > 2*maxWindow {
		z.w = copy(z.out, z.out[z.w-maxWindow:z.w])
		z.r = z.w
	}
	for {
		if z.w > len(z.out)-maxMatch {
			return in, true, nil
		}
		var more bool
		switch z.step {
		case inflateBlock:
			in, more, err = z.block(in)
		case inflateStoredBytes:
			in, more = z.storedBytes(in)
		default:
			for z.n <= 56 && len(in) > 0 {
				z.bits |= uint64(in[0]) << z.n
				z.n += 8
				in = in[1:]
			}
			more, err = z.head()
			more = more || len(in) > 0
		}
		if err != nil {
			return nil, false, err
		}
		if !more && z.w <= len(z.out)-maxMatch {
			return in, false, nil
		}
	}
}

// storedBytes copies from a stored block. It reports whether there is more to do
// with what there is: the block ended.
func (z *inflater) storedBytes(in []byte) (rest []byte, more bool) {
	for z.n > 0 && z.stored > 0 { // bytes that were taken for bits already; there is room for these
		z.out[z.w] = byte(z.take(8))
		z.w++
		z.stored--
	}
	n := min(z.stored, len(in), len(z.out)-z.w)
	copy(z.out[z.w:], in[:n])
	z.w += n
	if z.stored -= n; z.stored > 0 {
		return in[n:], false
	}
	z.endBlock()
	return in[n:], true
}

func (z *inflater) take(n uint) uint64 {
	v := z.bits & (1<<n - 1)
	z.bits >>= n
	z.n -= n
	return v
}

// endBlock is the end of a block; the last of a stream ends at a whole byte, and
// another stream may follow.
func (z *inflater) endBlock() {
	z.step = inflateHeader
	if z.final {
		z.take(z.n & 7)
	}
}

// head takes the next part of a block's header. It reports whether there were
// bits enough for it.
func (z *inflater) head() (more bool, err error) {
	switch z.step {
	case inflateHeader:
		if z.n < 3 {
			return false, nil
		}
		z.final = z.take(1) == 1
		switch z.take(2) {
		case 0:
			z.take(z.n & 7)
			z.step = inflateStored
		case 1:
			z.literals, z.distances = fixedLiterals, fixedDistance
			z.step = inflateBlock
		case 2:
			z.step = inflateDynamic
		default:
			return false, errDeflateBlock
		}
	case inflateStored:
		if z.n < 32 {
			return false, nil
		}
		n, inverse := z.take(16), z.take(16)
		if n != inverse^0xFFFF {
			return false, errDeflateStored
		}
		z.stored, z.step = int(n), inflateStoredBytes
		if n == 0 {
			z.endBlock()
		}
	case inflateDynamic:
		if z.n < 14 {
			return false, nil
		}
		z.nlit, z.ndist, z.ncode = int(z.take(5))+257, int(z.take(5))+1, int(z.take(4))+4
		if z.nlit > 286 || z.ndist > 30 {
			return false, errDeflateLengths
		}
		z.lengths, z.step = 0, inflateCodeLengths
		clear(z.length[:])
	case inflateCodeLengths:
		for ; z.lengths < z.ncode; z.lengths++ {
			if z.n < 3 {
				return false, nil
			}
			z.length[codeLengthOrder[z.lengths]] = uint8(z.take(3))
		}
		if !z.codes.build(z.length[:19], lengthCodes[:]) {
			return false, errDeflateLengths
		}
		clear(z.length[:])
		z.lengths, z.step = 0, inflateLengths
	case inflateLengths:
		return z.codeLengths()
	}
	return true, nil
}

// codeLengthOrder is the order in which the lengths come (RFC 1951 §3.2.7).
var codeLengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codeLengths reads the lengths of a dynamic block's two codes.
func (z *inflater) codeLengths() (more bool, err error) {
	for z.lengths < z.nlit+z.ndist {
		c := z.codes.table[z.bits&(1<<7-1)]
		n := c.len()
		switch {
		case n == 0:
			return false, errDeflateCode
		case n > z.n:
			return false, nil
		case c.value() < 16:
			z.take(n)
			z.length[z.lengths] = uint8(c.value())
			z.lengths++
			continue
		}
		var value uint8
		extra, repeat := uint(2), 3
		switch c.value() {
		case 16:
			if z.lengths == 0 {
				return false, errDeflateLengths
			}
			value = z.length[z.lengths-1]
		case 17:
			extra = 3
		case 18:
			extra, repeat = 7, 11
		}
		if n+extra > z.n {
			return false, nil
		}
		z.take(n)
		repeat += int(z.take(extra))
		if z.lengths+repeat > z.nlit+z.ndist {
			return false, errDeflateLengths
		}
		for range repeat {
			z.length[z.lengths] = value
			z.lengths++
		}
	}
	if z.length[256] == 0 {
		return false, errDeflateEndless
	}
	if !z.lit.build(z.length[:z.nlit], literalCodes[:]) ||
		!z.dist.build(z.length[z.nlit:z.nlit+z.ndist], distanceCodes[:]) {
		return false, errDeflateLengths
	}
	z.literals, z.distances = &z.lit, &z.dist
	z.step = inflateBlock
	return true, nil
}

// block decompresses inside a block. It reports whether there is more to do with
// what there is: the block ended.
func (z *inflater) block(in []byte) (rest []byte, more bool, err error) {
	out, w, b, n := z.out, z.w, z.bits, z.n
	lit, dist := z.literals.table, z.distances.table
	litMask, distMask := uint64(1)<<z.literals.root-1, uint64(1)<<z.distances.root-1
	litRoot, distRoot := z.literals.root, z.distances.root
	limit := z.limit
	if limit == 0 {
		limit = maxWindow
	}
loop:
	for w <= len(out)-maxMatch {
		if n < 48 {
			if len(in) >= 8 {
				b |= binary.LittleEndian.Uint64(in) << n
				in = in[(63-n)>>3:]
				n |= 56
				b &= 1<<n - 1
			} else {
				for n <= 56 && len(in) > 0 {
					b |= uint64(in[0]) << n
					n += 8
					in = in[1:]
				}
			}
		}
		c := lit[b&litMask]
		if c.kind() == kindLink {
			c = lit[c.value()+uint(b>>litRoot)&(1<<c.extra()-1)]
		}
		used := c.len()
		if used-1 >= n { // no such code, or not all of it is there
			if used == 0 {
				err = errDeflateCode
			}
			break
		}
		switch c.kind() {
		case kindLiteral:
			out[w] = byte(c.value())
			w++
			b >>= used
			n -= used
			continue
		case kindEnd:
			b >>= used
			n -= used
			more = true
			break loop
		case kindNone:
			err = errDeflateCode
			break loop
		}
		// Length and distance have at most 48 bits; where they are not all
		// there, nothing is taken.
		at := b >> used
		length := c.value() + uint(at)&(1<<c.extra()-1)
		at >>= c.extra()
		used += c.extra()
		c = dist[at&distMask]
		if c.kind() == kindLink {
			c = dist[c.value()+uint(at>>distRoot)&(1<<c.extra()-1)]
		}
		if c.len() == 0 || c.kind() == kindNone && used+c.len() <= n {
			err = errDeflateCode
			break
		}
		at >>= c.len()
		used += c.len()
		distance := int(c.value() + uint(at)&(1<<c.extra()-1))
		used += c.extra()
		if used > n {
			break
		}
		if distance > w || uint(distance-1) >= uint(limit) {
			err = errDeflateDistance
			break
		}
		b >>= used & 63
		n -= used
		end := w + int(length)
		for from := w - distance; w < end; {
			w += copy(out[w:end], out[from:w])
		}
	}
	z.w, z.bits, z.n = w, b, n
	if more {
		z.endBlock()
	}
	return in, more, err
}
