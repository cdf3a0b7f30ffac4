package main

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"
)

// peer is a client that is connecting: as little of one as can be, so that the
// load takes the machine from the servers as little as can be.
type peer struct {
	conn net.Conn
	mem  [2048]byte
	got  []byte // that nobody took yet
}

// never takes a deadline off.
var never time.Time

// patience is how long a server may take to answer while a client connects.
const patience = 20 * time.Second

func dialTCP(addr string) (*peer, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &peer{conn: conn}, conn.SetDeadline(time.Now().Add(patience))
}

func (p *peer) write(b []byte) error {
	_, err := p.conn.Write(b)
	return err
}

// fill reads more behind what nobody took.
func (p *peer) fill() error {
	n := copy(p.mem[:], p.got)
	if n == len(p.mem) {
		return fmt.Errorf("the answer is longer than %d bytes", n)
	}
	more, err := p.conn.Read(p.mem[n:])
	p.got = p.mem[:n+more]
	return err
}

// header takes the header of an answer.
func (p *peer) header(want string) (string, error) {
	for {
		if head, rest, ok := bytes.Cut(p.got, []byte("\r\n\r\n")); ok {
			p.got = rest
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 "+want)) {
				return "", fmt.Errorf("the server answered %q", head)
			}
			return string(head), nil
		}
		if err := p.fill(); err != nil {
			return "", err
		}
	}
}

// hear takes the next text, and has it begin with want.
func (p *peer) hear(want string) error {
	for {
		text, rest, ok, err := cutFrame(p.got)
		if err != nil {
			return err
		}
		if ok {
			p.got = rest
			if !strings.HasPrefix(string(text), want) {
				return fmt.Errorf("the server said %q and not %q", text, want)
			}
			return nil
		}
		if err := p.fill(); err != nil {
			return fmt.Errorf("waiting for %q: %w", want, err)
		}
	}
}

// webSocket asks for a WebSocket, of a session where query names one.
func (p *peer) webSocket(query string) error {
	if err := p.write([]byte("GET /socket.io/?EIO=4&transport=websocket" + query + " HTTP/1.1\r\nHost: bench\r\n" +
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")); err != nil {
		return err
	}
	_, err := p.header("101 ")
	return err
}

var joinFrame = textFrame("40")

// dial connects by WebSocket and joins "/".
func dial(addr string) (*peer, error) {
	p, err := dialTCP(addr)
	if err != nil {
		return nil, err
	}
	err = p.webSocket("")
	if err == nil {
		err = p.hear("0{")
	}
	if err == nil {
		err = p.write(joinFrame)
	}
	if err == nil {
		err = p.hear("40")
	}
	if err != nil {
		p.conn.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return p, nil
}
