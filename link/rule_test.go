package link_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
)

// segment is a TCP segment between port 1000 at A and port 80 at B, with the
// sequence numbers counted from the side's own ISN.
type segment struct {
	fromA    bool
	flags    header.TCPFlags
	seq, ack uint32
	size     int
}

const (
	isnA, isnB = 0xffffff00, 5000 // A's goes past 2³²

	fSYN = header.TCPFlagSyn
	fACK = header.TCPFlagAck
	fFIN = header.TCPFlagFin
	fRST = header.TCPFlagRst
)

func (s segment) bytes() []byte {
	b := make([]byte, 40+s.size)
	src, dst, sport, dport, mine, theirs := [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, uint16(1000), uint16(80), uint32(isnA), uint32(isnB)
	if !s.fromA {
		src, dst, sport, dport, mine, theirs = dst, src, dport, sport, theirs, mine
	}
	header.IPv4(b).Encode(&header.IPv4Fields{TotalLength: uint16(len(b)), TTL: 64, TOS: 2, Protocol: uint8(header.TCPProtocolNumber), SrcAddr: tcpip.AddrFrom4(src), DstAddr: tcpip.AddrFrom4(dst)})
	header.IPv4(b).SetChecksum(^header.IPv4(b).CalculateChecksum())
	ack := theirs + s.ack
	if s.flags&fACK == 0 {
		ack = 0
	}
	header.TCP(b[20:]).Encode(&header.TCPFields{SrcPort: sport, DstPort: dport, SeqNum: mine + s.seq, AckNum: ack, DataOffset: 20, Flags: s.flags, WindowSize: 100})
	return b
}

// conversation is a connection: handshake, 3 times 100 bytes from A, of which
// the second is sent again, an answer, the end.
var conversation = []segment{
	{true, fSYN, 0, 0, 0},
	{false, fSYN | fACK, 0, 1, 0},
	{true, fACK, 1, 1, 0},
	{true, fACK, 1, 1, 100},
	{true, fACK, 101, 1, 100},
	{false, fACK, 1, 101, 0},
	{true, fACK, 201, 1, 100},
	{true, fACK, 101, 1, 100}, // again
	{false, fACK, 1, 301, 50},
	{true, fFIN | fACK, 301, 51, 0},
	{false, fFIN | fACK, 51, 302, 0},
	{true, fACK, 302, 52, 0},
	{false, fRST, 52, 0, 0},
}

// talk sends the conversation a millisecond apart and says which of it arrived,
// numbered from 1, with the milliseconds of what came late.
func talk(t *testing.T, l *testLine) (arrived []string) {
	t.Helper()
	begin := l.since()
	note := func(b []byte) {
		for i, s := range conversation {
			if string(s.bytes()) == string(b) && begin+time.Duration(i)*ms <= l.since() {
				name := fmt.Sprint(i + 1)
				if late := l.since() - begin - time.Duration(i)*ms; late > 0 && i != 4 { // the 5th and the 8th are alike
					name += fmt.Sprintf("+%d", late/ms)
				}
				arrived = append(arrived, name)
				return
			}
		}
		var v link.View
		require.True(t, v.Parse(ip4, b))
		arrived = append(arrived, fmt.Sprintf("%v %d/%d", v.TCP.Flags(), v.TCP.SequenceNumber(), v.TCP.AckNumber()))
	}
	l.far.each, l.back.each = note, note
	for i, s := range conversation {
		l.run(begin + time.Duration(i)*ms)
		end := l.Wire.A()
		if !s.fromA {
			end = l.Wire.B()
		}
		putAt(t, end, s.bytes())
	}
	l.rest()
	return arrived
}

// Each matcher finds its packets: dropping them leaves the others.
func TestMatchers(t *testing.T) {
	all := []string{"1", "2", "3", "4", "5", "6", "7", "5", "9", "10", "11", "12", "13"}
	without := func(drop ...int) (left []string) {
		for i, name := range all {
			keep := true
			for _, d := range drop {
				keep = keep && d != i+1
			}
			if keep {
				left = append(left, name)
			}
		}
		return left
	}
	require.Equal(t, all, talk(t, newLine(t, link.Shape{})))
	for name, c := range map[string]struct {
		rule link.Rule
		left []string
	}{
		"SYN":                 {link.DropEach(link.SYN), without(1)},
		"SYNACK":              {link.DropFirst(link.SYNACK), without(2)},
		"HandshakeACK":        {link.DropEach(link.HandshakeACK), without(3)},
		"Data":                {link.DropEach(link.Data), without(4, 5, 7, 8, 9)},
		"second Data":         {link.DropNth(2, link.Data), without(5)},
		"Data of B":           {link.DropEach(link.Both(link.Data, link.FromB)), without(9)},
		"Data of A":           {link.DropEach(link.Both(link.Data, link.FromA)), without(4, 5, 7, 8)},
		"ACK":                 {link.DropEach(link.ACK), without(3, 6, 12)},
		"other ACKs":          {link.DropEach(link.Both(link.ACK, link.Not(link.HandshakeACK))), without(6, 12)},
		"FIN":                 {link.DropEach(link.FIN), without(10, 11)},
		"RST":                 {link.DropEach(link.RST), without(13)},
		"DropRetransmissions": {link.DropRetransmissions(), without(8)},
		"UDP":                 {link.DropEach(link.UDP), without()},
		"ICMP":                {link.DropEach(link.ICMP), without()},
		"a rule by hand": {func(v *link.View) link.Verdict {
			if v.FromA && v.Number == 2 || v.Stream.Offset == 200 && v.PayloadLen > 0 {
				return link.Drop
			}
			return link.Pass
		}, without(3, 7)},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t, link.Shape{})
			guard := l.Wire.Rule(c.rule)
			require.Equal(t, c.left, talk(t, l))
			require.EqualValues(t, len(all)-len(c.left), l.AB().Counters().DroppedRule+l.BA().Counters().DroppedRule)
			whole(t, l.AB().Counters())
			whole(t, l.BA().Counters())
			guard.Release()
			guard.Release()
			require.Equal(t, all, talk(t, l), "no rule is left")
		})
	}
	// A direction's rule sees its own packets only, and numbers them.
	l := newLine(t, link.Shape{})
	l.BA().Rule(link.DropNumbers(5, 1))
	require.Equal(t, without(2, 13), talk(t, l))
}

// What is delayed is overtaken; nobody waits for it.
func TestDelayNth(t *testing.T) {
	l := newLine(t, shape(t, "delay 1ms"))
	l.AB().Rule(link.DelayNth(3, link.Data, 200*ms))
	got := talk(t, l)
	require.Equal(t, "7+201", got[len(got)-1])
	c := l.AB().Counters()
	require.EqualValues(t, 1, c.Delayed)
	require.EqualValues(t, 1, c.Reordered)
	require.Zero(t, l.BA().Counters().Delayed)

	// In front of a slow line too: the packets behind it leave before it.
	l = newLine(t, shape(t, "rate 8mbit"))
	l.Wire.Rule(link.DelayNth(1, link.UDP, 10*ms))
	for i := range uint32(4) {
		l.put(t, datagram(i+1, 1000, 1))
	}
	l.rest()
	require.Equal(t, []uint32{2, 3, 4, 1}, l.far.marks())
	require.Equal(t, 11*ms, l.far.got[3].at)
}

// The first rule that does not pass decides, in the order of their coming;
// wires' rules and directions' rules stand in one row.
func TestFirstRuleDecides(t *testing.T) {
	l := newLine(t, link.Shape{})
	asked := ""
	ask := func(name string, v link.Verdict) link.Rule {
		return func(*link.View) link.Verdict { asked += name; return v }
	}
	l.Wire.Rule(ask("a", link.Pass))
	b := l.AB().Rule(ask("b", link.Drop))
	l.BA().Rule(ask("x", link.Drop))
	l.Wire.Rule(ask("c", link.Duplicate))
	l.put(t, datagram(1, 100, 1))
	require.Equal(t, "ab", asked)
	b.Release()
	l.put(t, datagram(2, 100, 1))
	l.rest()
	require.Equal(t, "abac", asked)
	require.Equal(t, []uint32{2, 2}, l.far.marks())
	require.EqualValues(t, 1, l.AB().Counters().Duplicated)
}

// A rule may change the wire that it sits on, and itself.
func TestRuleMayChangeTheWire(t *testing.T) {
	l := newLine(t, link.Shape{})
	var guard *link.Guard
	guard = l.Wire.Rule(func(v *link.View) link.Verdict {
		guard.Release()
		require.EqualValues(t, 1, l.AB().Counters().Packets)
		if err := l.AB().Set(shape(t, "delay 5ms")); err != nil {
			t.Error(err)
		}
		l.BA().Down()
		l.Wire.Rule(link.DropNth(2, link.UDP))
		return link.Pass
	})
	for i := range uint32(4) {
		l.put(t, datagram(i+1, 100, 1))
	}
	putAt(t, l.Wire.B(), datagram(1, 100, 1))
	l.rest()
	require.Equal(t, []uint32{1, 2, 4}, l.far.marks())
	require.Equal(t, 5*ms, l.far.got[0].at)
	require.Empty(t, l.back.got)
}

func TestCorruptAndMark(t *testing.T) {
	l := newLine(t, link.Shape{})
	l.Wire.Rule(link.Nth(1, link.Data, link.Corrupt))
	l.Wire.Rule(link.Each(link.Both(link.Data, link.FromA), link.Mark))
	var seen []string
	note := func(b []byte) {
		var v link.View
		if !v.Parse(ip4, b) || v.TCP == nil || v.PayloadLen == 0 {
			return
		}
		tos, _ := v.IPv4.TOS()
		seen = append(seen, fmt.Sprintf("ecn=%d ok=%v", tos&3, v.IPv4.IsChecksumValid()))
	}
	l.far.each = note
	for _, s := range conversation {
		if s.fromA {
			l.put(t, s.bytes())
		}
	}
	l.rest()
	require.Equal(t, []string{"ecn=3 ok=true", "ecn=3 ok=true", "ecn=3 ok=true"}, seen[len(seen)-3:], "all but the first, of which a bit is flipped")
	require.EqualValues(t, 3, l.AB().Counters().Marked)
	require.EqualValues(t, 1, l.AB().Counters().Corrupted)

	// Who does not do ECN is not marked: the field would mean nothing to it.
	l = newLine(t, link.Shape{})
	l.Wire.Rule(link.Each(link.UDP, link.Mark))
	l.put(t, datagram(1, 100, 1))
	l.rest()
	require.Zero(t, l.AB().Counters().Marked)
	require.Len(t, l.far.got, 1)
}

// Once A has sent more than 150 bytes the connection is reset: the segment does
// not arrive, and each side gets a reset with the sequence number that it waits
// for, also behind what is under way.
func TestResetAtByte(t *testing.T) {
	l := newLine(t, shape(t, "delay 10ms"), func(c *link.WireConfig) { c.BA = shape(t, "delay 20ms") })
	l.Wire.Rule(link.ResetAtByte(150))
	var a, b []string
	heard := func(to *[]string) func(p []byte) {
		return func(p []byte) {
			var v link.View
			require.True(t, v.Parse(ip4, p))
			require.True(t, v.IPv4.IsChecksumValid())
			if link.RST(&v) {
				require.True(t, v.TCP.IsChecksumValid(v.IPv4.SourceAddress(), v.IPv4.DestinationAddress(), 0, 0))
			}
			src, dst := v.Addrs()
			*to = append(*to, fmt.Sprintf("%v %v > %v %v %d/%d", l.since(), src, dst, v.TCP.Flags(), v.TCP.SequenceNumber(), v.TCP.AckNumber()))
		}
	}
	l.back.each, l.far.each = heard(&a), heard(&b)
	l.put(t, segment{true, fSYN, 0, 0, 0}.bytes())
	l.put(t, segment{true, fACK, 1, 1, 150}.bytes())
	l.put(t, segment{true, fACK, 151, 1, 10}.bytes())
	l.rest()
	require.Len(t, a, 1)
	isn := uint32(isnA)
	require.Equal(t, fmt.Sprintf("20ms 10.0.0.2:80 > 10.0.0.1:1000 %v %d/%d", fRST|fACK, isnB+1, isn+161), a[0])
	require.Len(t, b, 3)
	require.Equal(t, fmt.Sprintf("10ms 10.0.0.1:1000 > 10.0.0.2:80 %v %d/%d", fRST|fACK, isn+151, isnB+1), b[2])
	ab, ba := l.AB().Counters(), l.BA().Counters()
	require.EqualValues(t, 1, ab.Injected)
	require.EqualValues(t, 1, ba.Injected)
	require.EqualValues(t, 1, ab.DroppedRule)
	whole(t, ab)
	whole(t, ba)
}

// On Ethernet the resets are frames between the same stations.
func TestResetOnEthernet(t *testing.T) {
	l := newLine(t, link.Shape{}, func(c *link.WireConfig) { c.Ethernet = true })
	l.Wire.Rule(link.Each(link.Data, link.Reset))
	var frames []string
	l.back.each = func(b []byte) { frames = append(frames, "reset") }
	frame := append(make([]byte, 14), segment{true, fACK, 1, 1, 10}.bytes()...)
	header.Ethernet(frame).Encode(&header.EthernetFields{SrcAddr: l.Wire.A().LinkAddress(), DstAddr: l.Wire.B().LinkAddress(), Type: header.IPv4ProtocolNumber})
	l.put(t, frame)
	l.rest()
	require.Equal(t, []string{"reset"}, frames, "it found its way")
	require.Equal(t, 54, l.back.got[0].size)
	require.Len(t, l.far.got, 1)

	// What is no TCP segment is dropped.
	l = newLine(t, link.Shape{})
	l.Wire.Rule(link.Each(link.UDP, link.Reset))
	l.put(t, datagram(1, 100, 1))
	l.rest()
	require.Empty(t, l.far.got)
	require.EqualValues(t, 1, l.AB().Counters().DroppedRule)
}

// Rules see packets of at most one MTU, also on a wire that passes super-packets
// whole otherwise; and a rule that drops one of them drops one.
func TestRulesSeeSegments(t *testing.T) {
	l := newLine(t, link.Shape{})
	var seen []int
	l.Wire.Rule(func(v *link.View) link.Verdict {
		seen = append(seen, v.PayloadLen)
		if v.Stream.Offset == 1000 {
			return link.Drop
		}
		return link.Pass
	})
	pkt := tcpPacket(1, 0, make([]byte, 3500))
	pkt.GSOOptions = gstack.GSO{Type: gstack.GSOTCPv4, MSS: 1000}
	var list gstack.PacketBufferList
	list.PushBack(pkt)
	_, err := l.Wire.A().WritePackets(list)
	require.Nil(t, err)
	list.DecRef()
	l.rest()
	require.Equal(t, []int{1000, 1000, 1000, 500}, seen)
	require.Len(t, l.far.got, 3)
}

// The streams that are followed are bounded: the oldest is forgotten, and begins
// anew.
func TestStreamsAreBounded(t *testing.T) {
	l := newLine(t, link.Shape{})
	again := 0
	l.Wire.Rule(func(v *link.View) link.Verdict {
		if v.Stream.Retransmission {
			again++
		}
		return link.Pass
	})
	send := func(port int) {
		var list gstack.PacketBufferList
		list.PushBack(tcpPacket(uint16(port), 0, []byte("x")))
		l.Wire.A().WritePackets(list)
		list.DecRef()
		l.rest()
	}
	for port := range 5000 {
		send(port + 1)
	}
	send(5000)
	require.Equal(t, 1, again)
	send(1)
	require.Equal(t, 1, again, "forgotten")
	send(1)
	require.Equal(t, 2, again)
}

func TestVerdictsHaveNames(t *testing.T) {
	for v, name := range map[link.Verdict]string{
		link.Pass: "pass", link.Drop: "drop", link.Duplicate: "duplicate", link.Corrupt: "corrupt", link.Mark: "mark", link.Reset: "reset",
		link.DelayBy(20 * ms): "delay 20ms",
	} {
		require.Equal(t, name, v.String())
	}
	require.NotEqual(t, link.Pass, link.DelayBy(0), "it decides")
}
