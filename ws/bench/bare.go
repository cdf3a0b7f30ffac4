package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
)

// serveBare is an echo that checks nothing: a frame is unmasked and goes back.
// corked: what was found in one read goes back in one write; otherwise each frame
// has a write of its own.
func serveBare(ln net.Listener, corked bool) {
	var all group[net.Conn]
	serveBareConns(ln, func(conn net.Conn) {
		defer conn.Close()
		all.add(conn)
		defer all.remove(conn)
		bareLoop(conn, corked, &all)
	})
}

// serveHeld is an echo of one frame. Then the connection is held and no more: what
// is left of it is what every server has.
func serveHeld(ln net.Listener, _ serverOptions) {
	var all group[net.Conn]
	serveBareConns(ln, func(conn net.Conn) {
		in, out := make([]byte, 4096), make([]byte, 0, 4096)
		for w := 0; len(out) == 0; {
			n, err := conn.Read(in[w:])
			if err != nil {
				return
			}
			w += n
			bareFrame(in[:w], &out)
		}
		conn.Write(out)
		all.add(conn)
	})
}

func serveBareConns(ln net.Listener, serve func(net.Conn)) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			r, err := http.ReadRequest(bufio.NewReaderSize(conn, 512))
			if err != nil {
				conn.Close()
				return
			}
			sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
				base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
			serve(conn)
		}()
	}
}

func bareLoop(conn net.Conn, corked bool, all *group[net.Conn]) {
	in, out := make([]byte, 2<<20), make([]byte, 0, 2<<20)
	w := 0
	for {
		n, err := conn.Read(in[w:])
		if err != nil {
			return
		}
		w += n
		at := 0
		for {
			size, used := bareFrame(in[at:w], &out)
			if used == 0 {
				break
			}
			at += used
			if !corked && size == 66 && isBroadcast(out[2:]) {
				all.each(func(c net.Conn) { c.Write(out) })
				out = out[:0]
			}
			if !corked && len(out) > 0 {
				if _, err := conn.Write(out); err != nil {
					return
				}
				out = out[:0]
			}
		}
		if len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		w = copy(in, in[at:w])
	}
}

// bareFrame appends the answer to the frame at the front of b to out.
func bareFrame(b []byte, out *[]byte) (size, used int) {
	if len(b) < 6 {
		return 0, 0
	}
	n, head := int(b[1]&0x7f), 2
	switch n {
	case 126:
		n, head = int(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 14 {
			return 0, 0
		}
		n, head = int(binary.BigEndian.Uint64(b[2:])), 10
	}
	if len(b) < head+4+n {
		return 0, 0
	}
	key := binary.LittleEndian.Uint32(b[head:])
	k := uint64(key)<<32 | uint64(key)
	start := len(*out)
	*out = append(*out, b[:head]...)
	(*out)[start+1] &= 0x7f
	p := b[head+4 : head+4+n]
	*out = append(*out, p...)
	dst := (*out)[start+head:]
	for len(dst) >= 32 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)^k)
		binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(dst[8:])^k)
		binary.LittleEndian.PutUint64(dst[16:], binary.LittleEndian.Uint64(dst[16:])^k)
		binary.LittleEndian.PutUint64(dst[24:], binary.LittleEndian.Uint64(dst[24:])^k)
		dst = dst[32:]
	}
	for i := range dst {
		dst[i] ^= byte(key >> (8 * (i & 3)))
	}
	return head + n, head + 4 + n
}
