package pcapng

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"time"

	"strata/trace"
)

// ErrFormat is what every error of a [Reader] answers to that is not one of
// reading: this is no pcapng, or a broken one.
var ErrFormat = errors.New("not a well-formed pcapng capture")

// Reader reads a capture, block by block. It is not for many goroutines.
//
// It believes no length before the bytes are there: a block is at most 16 MiB,
// a section has at most 65536 interfaces.
type Reader struct {
	r      *bufio.Reader
	order  binary.ByteOrder
	clocks []resolution // of the section's interfaces
	first  *Section     // read by NewReader, not yet given
	body   bytes.Buffer // of the block being read
	offset int64        // of that block in the file
	next   int64        // of the one after it
	err    error        // the first; Next repeats it
}

// NewReader reads the first section's header; it fails with [ErrFormat] where
// there is none, and with [io.ErrUnexpectedEOF] within one.
func NewReader(r io.Reader) (*Reader, error) {
	pr := &Reader{r: bufio.NewReaderSize(r, 64<<10)}
	var start [4]byte
	if _, err := io.ReadFull(pr.r, start[:]); err != nil {
		return nil, fmt.Errorf("pcapng: no section header: %w", noEOF(err))
	}
	if binary.LittleEndian.Uint32(start[:]) != typeSection {
		return nil, fmt.Errorf("pcapng: starts with % x, not with a section header: %w", start, ErrFormat)
	}
	s, err := pr.section()
	if err != nil {
		return nil, pr.wrap(err)
	}
	pr.first = &s
	return pr, nil
}

// Next gives the next block: first the [Section], then the others in their
// order in the file; blocks of other types are skipped. At the end of the
// capture it is [io.EOF]; in the middle of a block [io.ErrUnexpectedEOF]; for
// a block that cannot be [ErrFormat]. After an error it repeats the error.
func (r *Reader) Next() (Block, error) {
	if r.first != nil {
		s := *r.first
		r.first = nil
		return s, nil
	}
	for r.err == nil {
		b, err := r.read()
		switch {
		case err == io.EOF:
			r.err = err
		case err != nil:
			r.err = r.wrap(err)
		case b != nil:
			return b, nil
		}
	}
	return nil, r.err
}

// wrap says where in the file it happened.
func (r *Reader) wrap(err error) error {
	return fmt.Errorf("pcapng: block at byte %d: %w", r.offset, err)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrFormat)
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// read reads one block; nil for one that is skipped, io.EOF where there is
// none.
func (r *Reader) read() (Block, error) {
	r.offset = r.next
	var head [4]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return nil, err // io.EOF, or unexpected within the four bytes
	}
	if binary.LittleEndian.Uint32(head[:]) == typeSection {
		return r.section()
	}
	blockType := r.order.Uint32(head[:])
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return nil, noEOF(err)
	}
	length := r.order.Uint32(head[:])
	if err := checkLength(length, 12); err != nil {
		return nil, err
	}
	switch blockType {
	case typeInterface, typePacket, typeSecrets:
	default:
		r.next += int64(length)
		if _, err := r.r.Discard(int(length) - 12); err != nil {
			return nil, noEOF(err)
		}
		return nil, r.trailer(length)
	}
	if err := r.readBody(length, 8); err != nil {
		return nil, err
	}
	body := fields{b: r.body.Bytes(), order: r.order}
	switch blockType {
	case typeInterface:
		return r.iface(body)
	case typePacket:
		return r.packet(body)
	default:
		return secrets(body)
	}
}

func checkLength(length uint32, atLeast uint32) error {
	if length < atLeast || length > maxBlock || length%4 != 0 {
		return malformed("length %d: must be a multiple of 4 from %d to %d", length, atLeast, maxBlock)
	}
	return nil
}

// readBody reads the rest of a block of which already bytes were read, and its
// trailer; r.body is what lies between. Memory grows as bytes arrive.
func (r *Reader) readBody(length uint32, already int64) error {
	r.next += int64(length)
	r.body.Reset()
	if _, err := io.CopyN(&r.body, r.r, int64(length)-already-4); err != nil {
		return noEOF(err)
	}
	return r.trailer(length)
}

func (r *Reader) trailer(length uint32) error {
	var tail [4]byte
	if _, err := io.ReadFull(r.r, tail[:]); err != nil {
		return noEOF(err)
	}
	if again := r.order.Uint32(tail[:]); again != length {
		return malformed("length is %d at the start and %d at the end", length, again)
	}
	return nil
}

// section reads the section header whose type was read.
func (r *Reader) section() (Section, error) {
	var head [8]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return Section{}, noEOF(err)
	}
	switch {
	case binary.LittleEndian.Uint32(head[4:]) == byteOrderMagic:
		r.order = binary.LittleEndian
	case binary.BigEndian.Uint32(head[4:]) == byteOrderMagic:
		r.order = binary.BigEndian
	default:
		return Section{}, malformed("byte order % x", head[4:])
	}
	length := r.order.Uint32(head[:])
	if err := checkLength(length, 28); err != nil {
		return Section{}, err
	}
	if err := r.readBody(length, 12); err != nil {
		return Section{}, err
	}
	r.clocks = r.clocks[:0]
	body := fields{b: r.body.Bytes(), order: r.order}
	if major := body.u16(); major != 1 {
		return Section{}, malformed("version %d, only 1 is known", major)
	}
	body.skip(2 + 8) // minor version, length of the section
	var s Section
	err := body.options(func(code uint16, value []byte) error {
		if code == optSectionApp {
			s.App = validText(string(value))
		}
		return nil
	})
	return s, err
}

func (r *Reader) iface(body fields) (Block, error) {
	if len(body.b) < 8 {
		return nil, malformed("interface of %d bytes", len(body.b))
	}
	if len(r.clocks) == maxInterfaces {
		return nil, malformed("more than %d interfaces", maxInterfaces)
	}
	i := Interface{LinkType: LinkType(body.u16())}
	body.skip(2)
	i.SnapLen = body.u32()
	clock := resolution{exponent: 6} // microseconds where it does not say
	err := body.options(func(code uint16, value []byte) error {
		switch code {
		case optInterfaceName:
			i.Name = validText(string(value))
		case optInterfaceDescription:
			i.Description = validText(string(value))
		case optInterfaceResolution:
			if len(value) != 1 {
				return malformed("resolution of %d bytes", len(value))
			}
			clock.binary, clock.exponent = value[0]&0x80 != 0, value[0]&0x7f
		case optInterfaceOffset:
			if len(value) != 8 {
				return malformed("offset of time of %d bytes", len(value))
			}
			clock.offset = int64(r.order.Uint64(value))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.clocks = append(r.clocks, clock)
	return i, nil
}

func (r *Reader) packet(body fields) (Block, error) {
	if len(body.b) < 20 {
		return nil, malformed("packet of %d bytes", len(body.b))
	}
	id := body.u32()
	if uint64(id) >= uint64(len(r.clocks)) {
		return nil, malformed("packet of interface %d, of %d", id, len(r.clocks))
	}
	high, low := body.u32(), body.u32()
	at, err := r.clocks[id].time(uint64(high)<<32 | uint64(low))
	if err != nil {
		return nil, err
	}
	kept, size := body.u32(), body.u32()
	data, err := body.padded(kept)
	if err != nil {
		return nil, err
	}
	c := Captured{Interface: int(id), Packet: Packet{
		Time: at, Data: [][]byte{bytes.Clone(data)}, OrigLen: int(max(kept, size)),
	}}
	err = body.options(func(code uint16, value []byte) error {
		switch code {
		case optComment:
			if c.Comment == "" { // there may be more; the first is kept
				c.Comment = validText(string(value))
			}
		case optPacketFlags:
			if len(value) != 4 {
				return malformed("flags of %d bytes", len(value))
			}
			switch r.order.Uint32(value) & flagDirectionMask {
			case flagInbound:
				c.Dir = trace.In
			case flagOutbound:
				c.Dir = trace.Out
			}
		}
		return nil
	})
	return c, err
}

func secrets(body fields) (Block, error) {
	if len(body.b) < 8 {
		return nil, malformed("secrets of %d bytes", len(body.b))
	}
	s := Secrets{Type: SecretsType(body.u32())}
	data, err := body.padded(body.u32())
	s.Data = bytes.Clone(data)
	return s, err
}

// fields reads a block's body from front to back. What has a fixed size is
// read by callers that have checked that it is there.
type fields struct {
	b     []byte
	order binary.ByteOrder
}

func (f *fields) skip(n int) { f.b = f.b[n:] }

func (f *fields) u16() uint16 {
	v := f.order.Uint16(f.b)
	f.skip(2)
	return v
}

func (f *fields) u32() uint32 {
	v := f.order.Uint32(f.b)
	f.skip(4)
	return v
}

// padded takes n bytes and those that bring them to a multiple of four.
func (f *fields) padded(n uint32) ([]byte, error) {
	if uint64(n)+uint64(padding(int(n))) > uint64(len(f.b)) {
		return nil, malformed("%d bytes said, %d there", n, len(f.b))
	}
	v := f.b[:n]
	f.skip(int(n) + padding(int(n)))
	return v, nil
}

// options reads the list that ends a block; it may be empty, and lack its end.
func (f *fields) options(each func(code uint16, value []byte) error) error {
	for len(f.b) >= 4 {
		code, n := f.u16(), f.u16()
		if code == optEnd {
			return nil
		}
		value, err := f.padded(uint32(n))
		if err != nil {
			return fmt.Errorf("option %d: %w", code, err)
		}
		if err := each(code, value); err != nil {
			return err
		}
	}
	return nil
}

// resolution is how an interface counts time: in units of ten or two to the
// power of -exponent seconds, from 1970 and offset seconds.
type resolution struct {
	binary   bool
	exponent uint8 // to 127
	offset   int64
}

// time gives the time of stamp, cut to nanoseconds.
func (r resolution) time(stamp uint64) (time.Time, error) {
	seconds, nanos := r.split(stamp)
	at := int64(seconds) + r.offset
	if seconds > uint64(lastSecond) || at < 0 || at > lastSecond {
		return time.Time{}, malformed("time %d is not between 1970 and 2262", stamp)
	}
	return time.Unix(at, int64(nanos)).UTC(), nil
}

func (r resolution) split(stamp uint64) (seconds, nanos uint64) {
	const giga = uint64(time.Second)
	switch {
	case r.binary && r.exponent < 64:
		seconds = stamp >> r.exponent
		hi, lo := bits.Mul64(stamp&(1<<r.exponent-1), giga)
		return seconds, hi<<(64-r.exponent) | lo>>r.exponent
	case r.binary:
		hi, _ := bits.Mul64(stamp, giga)
		return 0, hi >> (r.exponent - 64)
	case r.exponent <= 19: // ten to the 19 is the last that fits
		unit := power10(r.exponent)
		hi, lo := bits.Mul64(stamp%unit, giga)
		nanos, _ = bits.Div64(hi, lo, unit)
		return stamp / unit, nanos
	case r.exponent <= 28:
		return 0, stamp / power10(r.exponent-9)
	}
	return 0, 0 // less than a nanosecond, whatever the stamp
}

func power10(n uint8) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
