package pcapng

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"strata/trace"
)

// Blocks are collected until there are this many bytes, then written at once.
const flushAt = 64 << 10

// Options of a [Writer]. The zero value works.
type Options struct {
	App string // the program that writes ("strata 1.0"); empty: not said
}

// Writer writes a capture. Its methods may be called from many goroutines at
// once.
//
// It collects blocks and writes them to the underlying writer some 64 KiB at a
// time, within the call that filled the buffer: who wants to look at a capture
// that is being written calls Flush now and then.
//
// The first error of the underlying writer ends the capture: nothing more is
// written, so that what came before stays readable. [Writer.WritePacket] tells
// of it once and is silent afterwards, since it is called for every packet;
// Flush, Close, Err and the others tell it whenever they are called.
type Writer struct {
	mu       sync.Mutex
	w        io.Writer
	buf      []byte   // whole blocks
	snapLens []uint32 // of the interfaces
	err      error    // the first of w
	told     bool     // err was returned by WritePacket
	closed   bool
	written  uint64 // packets that w has
	pending  uint64 // packets in buf
	lost     uint64 // packets that came to nothing
}

// NewWriter begins a capture on w: it writes the section's header there, and
// fails if w does.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	pw := &Writer{w: w, buf: make([]byte, 0, flushAt+4<<10)}
	if err := checkText("name of the program", o.App); err != nil {
		return nil, err
	}
	at := pw.begin(typeSection)
	pw.u32(byteOrderMagic)
	pw.u16(1) // version 1.0
	pw.u16(0)
	pw.u64(math.MaxUint64) // length of the section: not known
	pw.text(optSectionApp, o.App)
	pw.endOptions(at + 24)
	pw.end(at)
	if err := pw.Flush(); err != nil {
		return nil, err
	}
	return pw, nil
}

// AddInterface says that packets come from i too, and gives the id that
// [Writer.WritePacket] wants: 0, 1, 2, …
func (w *Writer) AddInterface(i Interface) (id int, err error) {
	if err := errors.Join(checkText("name of the interface", i.Name), checkText("description of the interface", i.Description)); err != nil {
		return 0, err
	}
	if i.SnapLen == 0 || i.SnapLen > MaxSnapLen {
		i.SnapLen = MaxSnapLen
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return 0, errClosed
	case w.err != nil:
		return 0, w.err
	case len(w.snapLens) == maxInterfaces:
		return 0, fmt.Errorf("pcapng: interface %q: there are %d already, the most there can be", i.Name, maxInterfaces)
	}
	at := w.begin(typeInterface)
	w.u16(uint16(i.LinkType))
	w.u16(0) // reserved
	w.u32(i.SnapLen)
	w.text(optInterfaceName, i.Name)
	w.text(optInterfaceDescription, i.Description)
	w.u16(optInterfaceResolution)
	w.u16(1)
	w.u32(0) // the value's one byte, and its padding
	w.buf[len(w.buf)-4] = 9
	w.endOptions(at + 16)
	w.end(at)
	w.snapLens = append(w.snapLens, i.SnapLen)
	return len(w.snapLens) - 1, w.flushIfFull()
}

// WritePacket writes a packet that crossed the interface id. Of a packet
// longer than the interface's SnapLen the beginning is kept, and its length.
//
// It fails for an id that [Writer.AddInterface] did not give, a time that the
// format cannot say, and a comment of more than 65535 bytes; that packet is
// left out and the capture goes on. An error of the underlying writer is told
// by one call only, see [Writer]. After Close it is [os.ErrClosed].
func (w *Writer) WritePacket(id int, p Packet) error {
	if err := checkTime(p.Time); err != nil {
		return err
	}
	if err := checkText("comment", p.Comment); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return errClosed
	case id < 0 || id >= len(w.snapLens):
		return fmt.Errorf("pcapng: packet of interface %d: AddInterface gave %d ids", id, len(w.snapLens))
	case w.err != nil:
		w.lost++
		return w.tellOnce()
	}
	size := p.Len()
	kept := min(size, int(w.snapLens[id]))
	stamp := uint64(p.Time.UnixNano())

	at := w.begin(typePacket)
	w.u32(uint32(id))
	w.u32(uint32(stamp >> 32))
	w.u32(uint32(stamp))
	w.u32(uint32(kept))
	w.u32(uint32(min(uint64(max(size, p.OrigLen)), math.MaxUint32)))
	for left, i := kept, 0; left > 0; i++ {
		piece := p.Data[i][:min(len(p.Data[i]), left)]
		w.buf = append(w.buf, piece...)
		left -= len(piece)
	}
	w.pad(kept)
	options := len(w.buf)
	w.text(optComment, p.Comment)
	switch p.Dir {
	case trace.In:
		w.flags(flagInbound)
	case trace.Out:
		w.flags(flagOutbound)
	}
	w.endOptions(options)
	w.end(at)

	w.pending++
	if w.flushIfFull() != nil {
		return w.tellOnce()
	}
	return nil
}

// WriteSecrets writes what decrypts the packets after it: tshark reads a
// capture from front to back, so secrets come before what they decrypt.
func (w *Writer) WriteSecrets(s Secrets) error {
	if len(s.Data) > maxBlock/2 {
		return fmt.Errorf("pcapng: secrets of %d bytes: at most %d", len(s.Data), maxBlock/2)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return errClosed
	case w.err != nil:
		return w.err
	}
	at := w.begin(typeSecrets)
	w.u32(uint32(s.Type))
	w.u32(uint32(len(s.Data)))
	w.buf = append(w.buf, s.Data...)
	w.pad(len(s.Data))
	w.end(at)
	return w.flushIfFull()
}

// KeyLog is a writer for [crypto/tls.Config.KeyLogWriter]: each line becomes
// secrets of type [TLSKeyLog]. Its Write never fails, because crypto/tls would
// end the handshake; errors are those of the capture.
func (w *Writer) KeyLog() io.Writer { return keyLog{w} }

type keyLog struct{ w *Writer }

func (k keyLog) Write(line []byte) (int, error) {
	_ = k.w.WriteSecrets(Secrets{Type: TLSKeyLog, Data: line}) // sticks in k.w
	return len(line), nil
}

// Flush writes what was collected to the underlying writer.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	return w.flush()
}

// Close flushes and ends the capture. It leaves the underlying writer open,
// and may be called again.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return w.flush()
}

// Err is the error that ended the capture, nil where none did.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Count is how many packets were taken into the capture (some may still wait
// to be flushed), and how many were lost to the error that ended it.
func (w *Writer) Count() (written, lost uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written + w.pending, w.lost
}

var errClosed = fmt.Errorf("pcapng: the capture is closed: %w", os.ErrClosed)

func (w *Writer) flushIfFull() error {
	if len(w.buf) < flushAt {
		return nil
	}
	return w.flush()
}

func (w *Writer) flush() error {
	if w.err == nil && len(w.buf) > 0 {
		n, err := w.w.Write(w.buf)
		if err == nil && n < len(w.buf) {
			err = io.ErrShortWrite
		}
		if err != nil {
			w.err = fmt.Errorf("pcapng: the capture ends here: %w", err)
		}
	}
	if w.err == nil {
		w.written += w.pending
	} else {
		w.lost += w.pending
	}
	w.buf, w.pending = w.buf[:0], 0
	return w.err
}

// tellOnce is the error that ended the capture the first time it is asked.
func (w *Writer) tellOnce() error {
	if w.told {
		return nil
	}
	w.told = true
	return w.err
}

// begin begins a block and gives where; end wants it to fill in the length.
func (w *Writer) begin(blockType uint32) (at int) {
	at = len(w.buf)
	w.u32(blockType)
	w.u32(0)
	return at
}

func (w *Writer) end(at int) {
	length := uint32(len(w.buf) - at + 4)
	w.u32(length)
	binary.LittleEndian.PutUint32(w.buf[at+4:], length)
}

// endOptions ends a list of options that began at from; an empty list needs no
// end.
func (w *Writer) endOptions(from int) {
	if len(w.buf) > from {
		w.u32(optEnd)
	}
}

func (w *Writer) text(code uint16, s string) {
	if s == "" {
		return
	}
	s = validText(s)
	w.u16(code)
	w.u16(uint16(len(s)))
	w.buf = append(w.buf, s...)
	w.pad(len(s))
}

func (w *Writer) flags(f uint32) {
	w.u16(optPacketFlags)
	w.u16(4)
	w.u32(f)
}

func (w *Writer) pad(n int) {
	var zero [3]byte
	w.buf = append(w.buf, zero[:padding(n)]...)
}

func (w *Writer) u16(v uint16) { w.buf = binary.LittleEndian.AppendUint16(w.buf, v) }
func (w *Writer) u32(v uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, v) }
func (w *Writer) u64(v uint64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, v) }

// validText is s in UTF-8, as the format wants it, no longer than s.
func validText(s string) string { return strings.ToValidUTF8(s, "?") }

func checkText(what, s string) error {
	if len(s) > maxOption {
		return fmt.Errorf("pcapng: %s of %d bytes: at most %d", what, len(s), maxOption)
	}
	return nil
}

// The last whole second whose nanoseconds since 1970 fit an int64.
const lastSecond = math.MaxInt64/int64(time.Second) - 1

func checkTime(t time.Time) error {
	if s := t.Unix(); s < 0 || s > lastSecond {
		return fmt.Errorf("pcapng: packet of %s: times are from 1970 to 2262", t.Format(time.RFC3339))
	}
	return nil
}
