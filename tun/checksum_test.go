package tun

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Packets whose every byte is covered by some checksum: a flip of any one bit,
// wherever it is, must be noticed by one of the two tests, except in the few
// fields that no checksum covers.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	odd := bytes.Repeat([]byte{0xab}, 101)
	hopByHop := append([]byte{6, 0, 5, 2, 0, 0, 1, 0}, tcpSegment(kernel6, our6, odd)...) // router alert, as MLD has it
	for _, c := range []struct {
		name      string
		packet    []byte
		uncovered func(i int) bool // bytes that may change without notice
	}{
		// The first byte says by which header the rest is read.
		{"TCP over IPv4", ipv4Packet(6, tcpSegment(kernel4, our4, odd), nil), func(i int) bool { return i < 1 }},
		{"TCP over IPv4 with options", ipv4Packet(6, tcpSegment(kernel4, our4, odd), []byte{1, 1, 1, 0}), func(i int) bool { return i < 1 }},
		{"TCP without payload", ipv4Packet(6, tcpSegment(kernel4, our4, nil), nil), func(i int) bool { return i < 1 }},
		{"UDP over IPv4", ipv4Packet(17, udpDatagram(kernel4, our4, odd), nil), func(i int) bool { return i < 1 }},
		// IPv6 has no header checksum: version and traffic class, flow label, hop
		// limit. Its lengths and next header decide what is verified at all.
		{"TCP over IPv6", ipv6Packet(6, tcpSegment(kernel6, our6, odd)), func(i int) bool { return i < 8 }},
		{"UDP over IPv6", ipv6Packet(17, udpDatagram(kernel6, our6, odd)), func(i int) bool { return i < 8 }},
		{"TCP behind an extension header", ipv6Packet(0, hopByHop), func(i int) bool { return i < 8 || i >= 40 && i < 48 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.True(t, headerSumOK(c.packet) && transportSumOK(c.packet), "as it was sent")
			for i := range c.packet {
				if c.uncovered(i) {
					continue
				}
				for bit := range 8 {
					bad := bytes.Clone(c.packet)
					bad[i] ^= 1 << bit
					noticed := !headerSumOK(bad) || !transportSumOK(bad) || refusedForItsShape(bad)
					require.True(t, noticed, "byte %d, bit %d", i, bit)
				}
			}
		})
	}
}

// refusedForItsShape is what gVisor does not believe, whatever the checksums.
func refusedForItsShape(b []byte) bool {
	var payload []byte
	udp := false
	switch b[0] >> 4 {
	case 4:
		ip := header.IPv4(b)
		if !ip.IsValid(len(b)) {
			return true
		}
		payload, udp = ip.Payload(), ip.Protocol() == 17
	case 6:
		ip := header.IPv6(b)
		if !ip.IsValid(len(b)) {
			return true
		}
		payload, udp = ip.Payload(), ip.NextHeader() == 17
	default:
		return true
	}
	return udp && int(header.UDP(payload).Length()) > len(payload)
}

// What has no checksum of its own to verify must pass.
func TestNothingToVerify(t *testing.T) {
	noSum := udpDatagram(kernel4, our4, []byte("hello"))
	header.UDP(noSum).SetChecksum(0)
	require.True(t, transportSumOK(ipv4Packet(17, noSum, nil)), "UDP over IPv4 may do without (RFC 768)")

	noSum6 := udpDatagram(kernel6, our6, []byte("hello"))
	header.UDP(noSum6).SetChecksum(0)
	require.False(t, transportSumOK(ipv6Packet(17, noSum6)), "over IPv6 it may not (RFC 8200 §8.1)")

	fragment := ipv4Packet(17, []byte("the middle of something"), nil)
	fragment[6] = 0x20 // more fragments
	sum4(fragment)
	require.True(t, headerSumOK(fragment) && transportSumOK(fragment), "only the whole datagram has a checksum")

	require.True(t, transportSumOK(ipv6Packet(44, append([]byte{17, 0, 0, 1, 0, 0, 0, 1}, "fragment"...))))
	require.True(t, transportSumOK(ipv6Packet(43, append([]byte{6, 0, 4, 1, 0, 0, 0, 0}, "source route"...))), "the destination is in the header")
	require.True(t, transportSumOK(ipv4Packet(1, []byte("ICMP"), nil)), "gVisor verifies ICMP itself")
	require.True(t, transportSumOK(ipv4Packet(132, []byte("SCTP"), nil)))
}

// Packets cut short anywhere must not panic; gVisor refuses them.
func TestTruncatedPacketsDoNotPanic(t *testing.T) {
	for _, p := range [][]byte{
		ipv4Packet(6, tcpSegment(kernel4, our4, []byte("x")), []byte{1, 1, 1, 0}),
		ipv6Packet(0, append([]byte{60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}, tcpSegment(kernel6, our6, []byte("x"))...)),
	} {
		for n := range p {
			headerSumOK(p[:n])
			transportSumOK(p[:n])
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{64, 1460, 65000} {
		packet := ipv4Packet(6, tcpSegment(kernel4, our4, make([]byte, size)), nil)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if !headerSumOK(packet) || !transportSumOK(packet) {
					b.Fatal("wrong checksum")
				}
			}
		})
	}
}
