package link_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/clock"
	"strata/link"
)

// stamps is a host that notes when each packet came.
type stamps struct {
	mu   sync.Mutex
	at   []time.Time // by mark
	left int
	done chan struct{}
}

func (s *stamps) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, pkt *gstack.PacketBuffer) {
	now := time.Now()
	b, _ := pkt.Data().PullUp(markedAt + 4)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[binary.BigEndian.Uint32(b[markedAt:])] = now
	if s.left--; s.left == 0 {
		close(s.done)
	}
}

func (s *stamps) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}

// How far a packet's delay in real time is from what the shape says, at 10,000
// packets a second, evenly sent: the histogram, and its percentiles as metrics.
// On an idle machine the 99th percentile is to be below 200 µs.
func BenchmarkDelayError(b *testing.B) {
	const gap, delay = 100 * time.Microsecond, 5050 * time.Microsecond // so that none is due when another is sent
	w := link.NewWire(link.WireConfig{AB: link.Shape{Delay: link.Delay{Time: delay}}})
	defer w.Close()
	host := &stamps{at: make([]time.Time, b.N), left: b.N, done: make(chan struct{})}
	w.B().Attach(host)
	sent := make([]time.Time, b.N)
	loop := clock.Precise(clock.Real())
	due, i := loop.Now().Add(time.Millisecond), 0
	var timer clock.Timer
	ready := make(chan struct{})
	timer = loop.At(due, func() {
		<-ready
		p := datagram(uint32(i), 100, 1)
		sent[i] = time.Now()
		var list gstack.PacketBufferList
		list.PushBack(packet(p))
		_, _ = w.A().WritePackets(list)
		list.DecRef()
		if i++; i < b.N {
			for due = due.Add(gap); time.Until(due) <= 0; due = due.Add(gap) {
			}
			timer.Reset(due)
		}
	})
	close(ready)
	<-host.done
	errors := make([]time.Duration, b.N)
	for i := range errors {
		errors[i] = host.at[i].Sub(sent[i]) - delay
	}
	slices.Sort(errors)
	require.GreaterOrEqual(b, errors[0], time.Duration(0), "no packet is early")
	at := func(part float64) float64 { return float64(errors[int(part*float64(b.N-1))].Nanoseconds()) / 1e3 }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
	b.ReportMetric(at(1), "max-µs")
	if b.N >= 1000 {
		b.Log("\n" + histogram(errors))
	}
}

// histogram draws sorted errors.
func histogram(errors []time.Duration) string {
	var s strings.Builder
	first := 0
	for _, us := range []int{25, 50, 100, 200, 400, 1000, 5000, 1e9} {
		bound := time.Duration(us) * time.Microsecond
		next, _ := slices.BinarySearch(errors, bound)
		n := next - first
		first = next
		fmt.Fprintf(&s, "%10s %7d %s\n", "< "+bound.String(), n, strings.Repeat("#", (n*60+len(errors)-1)/len(errors)))
	}
	return strings.Replace(s.String(), "< 16m40s", "more", 1)
}

// The error in the test of a moment: a packet is never early, in real time as
// well, and the wire's thread ends with the last packet.
func TestDelayInRealTime(t *testing.T) {
	const n, delay = 50, 2 * time.Millisecond
	w := link.NewWire(link.WireConfig{AB: link.Shape{Delay: link.Delay{Time: delay}}})
	defer w.Close()
	host := &stamps{at: make([]time.Time, n), left: n, done: make(chan struct{})}
	w.B().Attach(host)
	var sent []time.Time
	for i := range uint32(n) {
		sent = append(sent, time.Now())
		putAt(t, w.A(), datagram(i, 100, 1))
	}
	<-host.done
	for i := range sent {
		require.GreaterOrEqual(t, host.at[i].Sub(sent[i]), delay)
	}
}

// What a packet costs on its way, by the shape, in virtual time: the wire alone,
// no stack.
func BenchmarkPacket(b *testing.B) {
	for _, s := range []string{"", "loss 1%", "delay 10ms", "delay 10ms 2ms 25% distribution normal", "rate 100mbit limit 1000", "rate 100mbit queue codel", "rate 100mbit queue fq_codel", "rate 100mbit delay 10ms loss gemodel 1% 20% duplicate 1% reorder 1%"} {
		name := s
		if s == "" {
			name = "perfect"
		}
		b.Run(name, func(b *testing.B) {
			l := newVirtual()
			shape, err := link.ParseShape(s)
			if s == "" {
				shape, err = link.Shape{}, nil
			}
			require.NoError(b, err)
			w := link.NewWire(link.WireConfig{Loop: l, AB: shape})
			defer w.Close()
			w.B().Attach(nowhere{})
			pkt := packet(datagram(1, 1000, 1))
			var list gstack.PacketBufferList
			list.PushBack(pkt)
			b.ReportAllocs()
			at := time.Duration(0)
			for b.Loop() {
				_, _ = w.A().WritePackets(list)
				at += 100 * time.Microsecond
				l.run(at)
			}
			list.DecRef()
		})
	}
}

type nowhere struct{}

func (nowhere) DeliverNetworkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer) {}
func (nowhere) DeliverLinkPacket(tcpip.NetworkProtocolNumber, *gstack.PacketBuffer)    {}
