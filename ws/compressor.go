package ws

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/flate"
)

// compressor compresses one message after the other, for any connection: what it
// is to refer to it is given with each message.
type compressor struct {
	fw   *flate.Writer
	out  compressed
	pool *sync.Pool
}

// compressed is what came out.
type compressed []byte

func (c *compressed) Write(p []byte) (int, error) {
	*c = append(*c, p...)
	return len(p), nil
}

// The pools, by level for a window of 15 bits and by window for less.
var (
	levelPools  [10]sync.Pool
	windowPools [15]sync.Pool
)

// maxPooled is the largest output that is kept in a pool, bytes.
const maxPooled = 64 << 10

func newCompressor(level, bits int) *compressor {
	pool := &levelPools[level]
	if bits < 15 {
		pool = &windowPools[bits]
	}
	if c, ok := pool.Get().(*compressor); ok {
		return c
	}
	c := &compressor{pool: pool}
	var err error
	if bits < 15 {
		c.fw, err = flate.NewWriterWindow(&c.out, 1<<bits)
	} else {
		c.fw, err = flate.NewWriter(&c.out, level)
	}
	if err != nil {
		panic(fmt.Sprintf("ws: level %d, %d bits: %v", level, bits, err)) // both were checked
	}
	return c
}

// put gives the compressor, and its output, back.
func (c *compressor) put() {
	if cap(c.out) > maxPooled {
		c.out = nil
	}
	c.pool.Put(c)
}

// begin begins a message that may refer to window.
func (c *compressor) begin(window []byte) {
	c.out = c.out[:0]
	c.fw.ResetDict(&c.out, window)
}

// deflateTail is the end of every message that is compressed, and is not sent
// (RFC 7692 §7.2.1).
var deflateTail = []byte{0x00, 0x00, 0xff, 0xff}

// message compresses a whole message, in memory that is the compressor's.
func (c *compressor) message(p, window []byte) ([]byte, error) {
	c.begin(window)
	if _, err := c.fw.Write(p); err != nil {
		return nil, err
	}
	return c.end()
}

// end ends a message and returns what of it was not taken.
func (c *compressor) end() ([]byte, error) {
	if err := c.fw.Flush(); err != nil {
		return nil, err
	}
	rest, ok := bytes.CutSuffix(c.out, deflateTail)
	if !ok {
		return nil, fmt.Errorf("the compressor ended a message without an empty block")
	}
	return rest, nil
}
