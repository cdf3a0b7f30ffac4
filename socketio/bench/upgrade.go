package main

import (
	"fmt"
	"strconv"
	"strings"
)

// poller makes the requests of long-polling of one client after the other, over a
// connection that stays, as a proxy's would.
type poller struct {
	addr string
	peer *peer
}

// request makes a request and gives the body of its answer.
func (p *poller) request(method, query, body string) (answer string, err error) {
	if p.peer == nil {
		if p.peer, err = dialTCP(p.addr); err != nil {
			p.peer = nil
			return "", err
		}
		if err := p.peer.conn.SetDeadline(never); err != nil {
			return "", err
		}
	}
	if err := p.peer.write([]byte(method + " /socket.io/?EIO=4&transport=polling" + query + " HTTP/1.1\r\nHost: bench\r\n" +
		"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)); err != nil {
		return "", err
	}
	head, err := p.peer.header("200 ")
	if err != nil {
		return "", err
	}
	_, length, _ := strings.Cut(strings.ToLower(head), "content-length: ")
	length, _, _ = strings.Cut(length, "\r\n")
	n, err := strconv.Atoi(length)
	if err != nil {
		return "", fmt.Errorf("an answer without its length: %q", head)
	}
	for len(p.peer.got) < n {
		if err := p.peer.fill(); err != nil {
			return "", err
		}
	}
	answer = string(p.peer.got[:n])
	p.peer.got = p.peer.got[n:]
	return answer, nil
}

func (p *poller) close() {
	if p.peer != nil {
		p.peer.conn.Close()
	}
}

var (
	probeFrame   = textFrame("2probe")
	upgradeFrame = textFrame("5")
	echoFrame    = textFrame(`420["echo","x"]`)
)

// upgrade connects by long-polling, joins "/", changes to a WebSocket as the
// official client does, and has one echo answered over it.
func (p *poller) upgrade() error {
	answer, err := p.request("GET", "", "")
	if err != nil {
		return err
	}
	_, sid, _ := strings.Cut(answer, `"sid":"`)
	sid, _, ok := strings.Cut(sid, `"`)
	if !ok {
		return fmt.Errorf("the server opened with %q", answer)
	}
	session := "&sid=" + sid
	if _, err := p.request("POST", session, "40"); err != nil {
		return err
	}
	if answer, err = p.request("GET", session, ""); err != nil || !strings.HasPrefix(answer, "40") {
		return fmt.Errorf("join: %q, %w", answer, err)
	}
	socket, err := dialTCP(p.addr)
	if err != nil {
		return err
	}
	defer socket.conn.Close()
	if err := socket.webSocket(session); err != nil {
		return err
	}
	if err := socket.write(probeFrame); err != nil {
		return err
	}
	if err := socket.hear("3probe"); err != nil {
		return err
	}
	if err := socket.write(upgradeFrame); err != nil {
		return err
	}
	if err := socket.write(echoFrame); err != nil {
		return err
	}
	return socket.hear(`430["x"]`)
}
