package ws

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessageTypeString(t *testing.T) {
	require.Equal(t, "text", MessageText.String())
	require.Equal(t, "binary, uncompressed", (MessageBinary | Uncompressed).String())
	require.Equal(t, "message type 256", Uncompressed.String())
}

// What is to be sent as it is has no RSV1, whichever way it is sent, and the
// compressed messages around it refer to each other as if it were not there.
func TestUncompressed(t *testing.T) {
	m := strings.Repeat("as it is, ", 1000)
	prepared, err := NewPreparedMessage(MessageText|Uncompressed, []byte(m))
	require.NoError(t, err)
	for name, write := range map[string]func(ctx context.Context, c *Conn) error{
		"Write":         func(ctx context.Context, c *Conn) error { return c.Write(ctx, MessageText|Uncompressed, []byte(m)) },
		"WritePrepared": func(ctx context.Context, c *Conn) error { return c.WritePrepared(ctx, prepared) },
		"Writer": func(ctx context.Context, c *Conn) error {
			w, err := c.Writer(ctx, MessageText|Uncompressed)
			if err == nil {
				_, err = io.Copy(w, oneKiB{strings.NewReader(m)})
				err = orClose(err, w)
			}
			return err
		},
		"a short Writer": func(ctx context.Context, c *Conn) error {
			w, err := c.Writer(ctx, MessageText|Uncompressed)
			if err == nil {
				_, err = io.WriteString(w, m[:500])
				err = orClose(err, w)
			}
			return err
		},
		"Queue": func(ctx context.Context, c *Conn) error {
			return NewQueue(c, QueueOptions{}).Send(ctx, MessageText|Uncompressed, []byte(m), 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := open(t, tcpPair, false, deflating(deflateParams{}, Compression{}))
			first := strings.Repeat("compressed, ", 100)
			require.NoError(t, c.Write(t.Context(), MessageText, []byte(first)))
			f := p.receive(t)
			require.Equal(t, byte(fin|bitRSV1|1), f.first)
			wrote := make(chan error, 1)
			go func() { wrote <- write(t.Context(), c) }()
			var got strings.Builder
			for {
				f := p.receive(t)
				require.Zero(t, f.first&bitsRSV)
				got.WriteString(f.payload)
				if f.first&fin != 0 {
					break
				}
			}
			require.NoError(t, <-wrote)
			require.True(t, strings.HasPrefix(m, got.String()))
			require.NotEmpty(t, got.String())

			require.NoError(t, c.Write(t.Context(), MessageText, []byte(first)))
			second := p.receive(t)
			require.Equal(t, byte(fin|bitRSV1|1), second.first)
			out, _, err := inflateAll(append([]byte(second.payload), deflateTail...), []byte(first), nil, 1<<20)
			require.NoError(t, err)
			require.Equal(t, first, string(out))
			require.Less(t, len(second.payload), len(f.payload), "it refers to the first")
		})
	}
}

// oneKiB reads in pieces, so that a Writer gets several.
type oneKiB struct{ r io.Reader }

func (r oneKiB) Read(p []byte) (int, error) { return r.r.Read(p[:min(len(p), 1<<10)]) }

func orClose(err error, w io.Closer) error {
	if err != nil {
		return err
	}
	return w.Close()
}

// Without a limit a compressed message is as large as it likes; a Reader still
// takes it in little memory.
func TestReaderOfACompressedMessageWithoutLimit(t *testing.T) {
	const size = 64 << 20
	bomb := bytes.Repeat(append(squeezed(t, 1<<20), deflateTail...), size>>20)
	cfg := deflating(deflateParams{}, Compression{})
	cfg.readLimit = -1
	c, p := open(t, tcpPair, false, cfg)
	go p.Write(raw(fin|bitRSV1|2, string(bomb[:len(bomb)-len(deflateTail)])).bytes(true))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, r, err := c.Reader(t.Context())
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, r)
	require.NoError(t, err)
	require.EqualValues(t, size, n)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
}

// What has come of a message is read before the rest comes, also where it is
// compressed, and a limit that is set then is that message's too, plain and
// compressed.
func TestReadLimitSetInAMessage(t *testing.T) {
	zeros := strings.Repeat("\x00", 100_000)
	for name, send := range map[string][]rawFrame{
		"plain":      {raw(2, zeros[:1000]), raw(fin, zeros[1000:])},
		"compressed": {raw(bitRSV1|2, string(deflated(t, []byte(zeros[:1000]), 0, nil))), raw(fin, packed(t, zeros, 9, ""))},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := deflating(deflateParams{}, Compression{})
			cfg.readLimit = -1
			c, p := open(t, tcpPair, false, cfg)
			p.send(t, send[0])
			_, r, err := c.Reader(t.Context())
			require.NoError(t, err)
			_, err = io.ReadFull(r, make([]byte, 500))
			require.NoError(t, err)
			c.SetReadLimit(2000)
			go func() { p.send(t, send[1]); readRaw(p.br); p.Close() }()
			n, err := io.Copy(io.Discard, r)
			var pe *ProtocolError
			require.ErrorAs(t, err, &pe)
			require.Equal(t, StatusMessageTooBig, pe.Code)
			require.LessOrEqual(t, n, int64(40_000), "what was inflated before the limit was seen")
		})
	}
}
