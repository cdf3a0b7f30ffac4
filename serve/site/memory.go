package site

import (
	"errors"
	"io"
	"sync/atomic"
)

// memory is bytes that all clients together may take.
type memory struct{ left atomic.Int64 }

func newMemory(bytes int64) *memory {
	m := &memory{}
	m.left.Store(bytes)
	return m
}

func (m *memory) take(n int) bool {
	if m.left.Add(int64(-n)) < 0 {
		m.give(n)
		return false
	}
	return true
}

func (m *memory) give(n int) { m.left.Add(int64(n)) }

// smallMessage is what a buffer begins with, and keeps between messages.
const smallMessage = 4 << 10

var errNoMemory = errors.New("all memory for messages is taken")

// message is a buffer for one message at a time, of memory that is counted.
type message struct {
	of    *memory
	bytes []byte
}

// read reads r, of at most limit bytes, to its end. Room is taken as bytes come,
// not as they are announced.
func (m *message) read(r io.Reader, limit int) error {
	m.bytes = m.bytes[:0]
	for {
		if len(m.bytes) == cap(m.bytes) {
			if !m.grow(limit) {
				return errNoMemory
			}
		}
		n, err := r.Read(m.bytes[len(m.bytes):cap(m.bytes)])
		m.bytes = m.bytes[:len(m.bytes)+n]
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

func (m *message) grow(limit int) bool {
	had := cap(m.bytes)
	room := min(max(2*had, smallMessage), limit+1) // the end is seen by who has room for more
	if !m.of.take(room) {
		return false
	}
	m.bytes = append(make([]byte, 0, room), m.bytes...)
	m.of.give(had)
	return true
}

// done gives back what a small message does not need.
func (m *message) done() {
	if cap(m.bytes) > smallMessage {
		m.free()
	}
}

// free gives back all.
func (m *message) free() {
	m.of.give(cap(m.bytes))
	m.bytes = nil
}
