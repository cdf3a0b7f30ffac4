package ladder

import (
	"net/netip"
	"time"

	"strata/trace"
)

// script makes the events of a test, one after the other.
type script struct {
	at     time.Time
	host   string
	flow   trace.Flow
	events []trace.Event
	next   [3]uint32 // sequence numbers, by direction
}

func newScript(host, local, remote string) *script {
	return &script{
		at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), host: host,
		flow: trace.Flow{Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote)},
		next: [3]uint32{trace.In: 3735928559, trace.Out: 99},
	}
}

// after lets time pass.
func (s *script) after(d time.Duration) *script {
	s.at = s.at.Add(d)
	return s
}

// say adds an event of the flow.
func (s *script) say(dir trace.Direction, what trace.What) *script {
	s.events = append(s.events, trace.Event{At: s.at, Host: s.host, Dir: dir, Flow: s.flow, What: what})
	return s
}

// aside adds an event that is of no flow.
func (s *script) aside(dir trace.Direction, what trace.What) *script {
	s.events = append(s.events, trace.Event{At: s.at, Host: s.host, Dir: dir, What: what})
	return s
}

// segment makes the next segment of a direction.
func (s *script) segment(dir trace.Direction, flags trace.Flags, size int) trace.Segment {
	seg := trace.Segment{Flags: flags, Seq: s.next[dir], Window: 502, Len: size, TTL: 64, Packet: size + 52,
		Options: trace.Options{Timestamp: &trace.Timestamp{Val: 2938473, Ecr: 1828374}}}
	if flags&trace.ACK != 0 {
		seg.Ack = s.next[3-dir]
	}
	if flags&trace.SYN != 0 {
		shift := uint8(7)
		seg.Window, seg.Packet = 64240, 60
		seg.Options.MSS, seg.Options.WindowScale, seg.Options.SACKPermitted = 1460, &shift, true
	}
	s.next[dir] += uint32(size)
	if flags&(trace.SYN|trace.FIN) != 0 {
		s.next[dir]++
	}
	return seg
}

// seg adds the next segment of a direction.
func (s *script) seg(dir trace.Direction, flags trace.Flags, size int) *script {
	return s.say(dir, s.segment(dir, flags, size))
}

// connect adds a handshake, begun by the side that opener says sends.
func (s *script) connect(opener trace.Direction) *script {
	us := time.Microsecond
	return s.seg(opener, trace.SYN, 0).after(34*us).seg(3-opener, trace.SYN|trace.ACK, 0).after(21*us).seg(opener, trace.ACK, 0)
}

// chat adds a whole visit of a Socket.IO client by WebSocket, as one of its
// two sides sees it: opener is the direction in which the client's go.
func (s *script) chat(client trace.Direction) *script {
	const us = time.Microsecond
	server := 3 - client
	id := int64(3)
	s.connect(client)
	if client == trace.Out {
		return s.after(180*us).
			say(client, trace.HTTP{Method: "GET", Path: "/socket.io/?EIO=4&transport=websocket", Upgrade: "websocket", Key: "dGhlIHNhbXBsZSBub25jZQ=="}).
			after(9*us).seg(client, trace.PSH|trace.ACK, 223).
			after(40*us).seg(server, trace.ACK, 0).
			after(310*us).seg(server, trace.PSH|trace.ACK, 129).
			after(12*us).say(server, trace.HTTP{Status: 101, Upgrade: "websocket", Key: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}).
			seg(client, trace.ACK, 0).
			after(88*us).seg(server, trace.PSH|trace.ACK, 120).
			after(5*us).say(server, trace.Frame{Opcode: "text", Fin: true, Len: 118, Preview: `0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`}).
			say(server, trace.Engine{Type: "open", SID: "lv_VI97HAXpY6yYWAAAC", Transport: "websocket", Len: 117}).
			after(60*us).say(client, trace.Message{Type: "CONNECT", Namespace: "/"}).
			say(client, trace.Engine{Type: "message", Transport: "websocket", Len: 1}).
			say(client, trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 2, Preview: "40"}).
			after(7*us).seg(client, trace.PSH|trace.ACK, 8).
			after(150*us).seg(server, trace.PSH|trace.ACK, 34).
			say(server, trace.Frame{Opcode: "text", Fin: true, Len: 32, Preview: `40{"sid":"wZX3oN0bSVIhsaknAAAI"}`}).
			say(server, trace.Message{Type: "CONNECT", Namespace: "/", SID: "wZX3oN0bSVIhsaknAAAI"}).
			after(70*us).say(client, trace.Message{Type: "EVENT", Namespace: "/", Event: "hello", ID: &id, Preview: `["world"]`}).
			say(client, trace.Engine{Type: "message", Transport: "websocket", Len: 18}).
			say(client, trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 19, Preview: `423["hello","world"]`}).
			after(8*us).seg(client, trace.PSH|trace.ACK, 25).
			after(130*us).seg(server, trace.PSH|trace.ACK, 21).
			say(server, trace.Frame{Opcode: "text", Fin: true, Len: 19, Preview: `433["hello, world"]`}).
			say(server, trace.Message{Type: "ACK", Namespace: "/", ID: &id, Preview: `["hello, world"]`}).
			after(40*us).seg(client, trace.ACK, 0).
			after(900*us).say(client, trace.Message{Type: "DISCONNECT", Namespace: "/"}).
			say(client, trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 2, Preview: "41"}).
			say(client, trace.Frame{Opcode: "close", Fin: true, Masked: true, Len: 2, Code: 1000}).
			seg(client, trace.PSH|trace.ACK, 16).
			after(90*us).seg(server, trace.PSH|trace.ACK, 4).
			say(server, trace.Frame{Opcode: "close", Fin: true, Len: 2, Code: 1000}).
			after(30*us).seg(server, trace.FIN|trace.ACK, 0).
			after(20*us).seg(client, trace.ACK, 0).
			after(25*us).seg(client, trace.FIN|trace.ACK, 0).
			after(33*us).seg(server, trace.ACK, 0)
	}
	return s.after(180*us).seg(client, trace.PSH|trace.ACK, 223).
		after(40*us).seg(server, trace.ACK, 0).
		after(9*us).say(client, trace.HTTP{Method: "GET", Path: "/socket.io/?EIO=4&transport=websocket&sid=lv_VI97HAXpY6yYWAAAC", Upgrade: "websocket", Key: "dGhlIHNhbXBsZSBub25jZQ=="}).
		after(310*us).say(server, trace.HTTP{Status: 101, Upgrade: "websocket", Key: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}).
		seg(server, trace.PSH|trace.ACK, 129).
		after(12*us).seg(client, trace.ACK, 0).
		after(5*us).seg(client, trace.PSH|trace.ACK, 12).
		after(3*us).say(client, trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 6, Preview: "2probe"}).
		say(client, trace.Engine{Type: "ping", SID: "lv_VI97HAXpY6yYWAAAC", Transport: "websocket", Len: 5}).
		after(14*us).say(server, trace.Frame{Opcode: "text", Fin: true, Len: 6, Preview: "3probe"}).
		seg(server, trace.PSH|trace.ACK, 8).
		after(1204*us).seg(client, trace.PSH|trace.ACK, 37).
		after(11*us).say(client, trace.Frame{Opcode: "text", Fin: true, Masked: true, Len: 31, Preview: `42["chat message","hello, all"]`}).
		say(client, trace.Message{Type: "EVENT", Namespace: "/", Event: "chat message", Preview: `["hello, all"]`}).
		after(20*us).seg(client, trace.FIN|trace.ACK, 0).
		after(31*us).seg(server, trace.FIN|trace.ACK, 0).
		after(9*us).seg(client, trace.ACK, 0)
}

// lossy adds a transfer on which things go wrong in each of the ways that are
// marked.
func (s *script) lossy() *script {
	const ms = time.Millisecond
	s.connect(trace.In)
	s.after(2*ms).seg(trace.Out, trace.ACK, 1460)
	lost := s.segment(trace.Out, trace.ACK, 1460) // sent, and lost further on
	s.say(trace.Out, lost).seg(trace.Out, trace.ACK, 1460).seg(trace.Out, trace.ACK|trace.PSH, 1460)
	sack := s.segment(trace.In, trace.ACK, 0)
	sack.Ack = lost.Seq
	sack.Options.SACK = [][2]uint32{{lost.Seq + 1460, lost.Seq + 2*1460}}
	s.after(80*ms).say(trace.In, sack).after(ms).say(trace.In, sack)
	s.after(ms).say(trace.Out, lost)
	s.after(80*ms).seg(trace.In, trace.ACK, 0)
	missing := s.segment(trace.In, trace.PSH|trace.ACK, 100) // lost before it came here
	s.seg(trace.In, trace.PSH|trace.ACK, 50).after(200*ms).say(trace.In, missing)
	probe := s.segment(trace.Out, trace.ACK, 0)
	probe.Seq--
	full := s.segment(trace.In, trace.ACK, 0)
	full.Window = 0
	s.say(trace.In, full).after(75*time.Second).say(trace.Out, probe)
	s.after(time.Hour).seg(trace.In, trace.RST|trace.ACK, 0)
	return s.say(0, trace.Connection{State: "CLOSED", Cause: "RST", Sent: 7300, Received: 150})
}
