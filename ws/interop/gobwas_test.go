package interop

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/gobwas/httphead"
	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

var gobwasDeflate = wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}

// gobwas/ws gives frames; what makes messages of them is here.
var gobwasLibrary = library{
	name:         "gobwas/ws",
	compressions: []string{"no context takeover"},
	dial: func(ctx context.Context, url, compression string) (conn, error) {
		d := gobwas.Dialer{Protocols: subprotocols}
		if compression != "" {
			d.Extensions = []httphead.Option{gobwasDeflate.Option()}
		}
		c, br, hs, err := d.Dial(ctx, url)
		if err != nil {
			return nil, err
		}
		if br == nil {
			br = bufio.NewReader(c)
		}
		return newGobwas(c, br, hs, true), nil
	},
	serve: func(compression string, f func(conn)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			up := gobwas.HTTPUpgrader{Protocol: func(p string) bool { return p == subprotocols[1] }}
			if compression != "" {
				up.Negotiate = (&wsflate.Extension{Parameters: gobwasDeflate}).Negotiate
			}
			c, rw, hs, err := up.Upgrade(r, w)
			if err != nil {
				return
			}
			defer c.Close()
			f(newGobwas(c, rw.Reader, hs, false))
		})
	},
}

type gobwasConn struct {
	*inbox
	c        net.Conn
	protocol string
	client   bool
	deflate  bool
	mu       sync.Mutex // one frame at a time
}

func newGobwas(c net.Conn, br *bufio.Reader, hs gobwas.Handshake, client bool) conn {
	deflate := slices.ContainsFunc(hs.Extensions, func(o httphead.Option) bool { return string(o.Name) == wsflate.ExtensionName })
	g := &gobwasConn{inbox: newInbox(), c: c, protocol: hs.Protocol, client: client, deflate: deflate}
	go g.pump(func() (bool, []byte, error) { return g.read(br) })
	return g
}

// read is the next message; control frames are seen to.
func (g *gobwasConn) read(br io.Reader) (text bool, p []byte, err error) {
	compressed := false
	for {
		h, err := gobwas.ReadHeader(br)
		if err != nil {
			return false, nil, err
		}
		if h.Length > readLimit {
			return false, nil, errors.New("the frame is too large")
		}
		f := gobwas.Frame{Header: h, Payload: make([]byte, h.Length)}
		if _, err := io.ReadFull(br, f.Payload); err != nil {
			return false, nil, err
		}
		if f.Header.Masked {
			f = gobwas.UnmaskFrameInPlace(f)
		}
		switch f.Header.OpCode {
		case gobwas.OpPing:
			if err := g.write(gobwas.NewPongFrame(f.Payload)); err != nil {
				return false, nil, err
			}
			continue
		case gobwas.OpPong:
			g.pongs <- string(f.Payload)
			continue
		case gobwas.OpClose:
			code, reason := gobwas.ParseCloseFrameData(f.Payload)
			g.write(gobwas.NewCloseFrame(gobwas.NewCloseFrameBody(code, "")))
			return false, nil, closed{int(code), reason}
		case gobwas.OpText, gobwas.OpBinary:
			text = f.Header.OpCode == gobwas.OpText
			if f.Header, compressed, err = wsflate.UnsetBit(f.Header); err != nil {
				return false, nil, err
			}
		}
		p = append(p, f.Payload...)
		if f.Header.Fin {
			if compressed {
				p, err = wsflate.DefaultHelper.Decompress(p)
			}
			return text, p, err
		}
	}
}

func (g *gobwasConn) write(f gobwas.Frame) error {
	if g.client {
		f = gobwas.MaskFrame(f)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return gobwas.WriteFrame(g.c, f)
}

func (g *gobwasConn) send(text bool, parts ...[]byte) error {
	op := gobwas.OpBinary
	if text {
		op = gobwas.OpText
	}
	if g.deflate {
		p, err := wsflate.DefaultHelper.Compress(slices.Concat(parts...))
		if err != nil {
			return err
		}
		if len(parts) > 1 {
			parts = thirds(p)
		} else {
			parts = [][]byte{p}
		}
	}
	for i, p := range parts {
		f := gobwas.NewFrame(op, i == len(parts)-1, p)
		if i == 0 && g.deflate {
			var err error
			if f.Header, err = wsflate.SetBit(f.Header); err != nil {
				return err
			}
		}
		if err := g.write(f); err != nil {
			return err
		}
		op = gobwas.OpContinuation
	}
	return nil
}

func (g *gobwasConn) ping(payload string) error {
	return g.write(gobwas.NewPingFrame([]byte(payload)))
}

func (g *gobwasConn) close(code int, reason string) error {
	if len(reason) > 123 {
		return errors.New("the reason is too long")
	}
	return g.write(gobwas.NewCloseFrame(gobwas.NewCloseFrameBody(gobwas.StatusCode(code), reason)))
}

func (g *gobwasConn) subprotocol() string { return g.protocol }
