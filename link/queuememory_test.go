package link_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"

	"strata/link"
)

// inUse is the memory in use, in bytes.
func inUse() int {
	runtime.GC()
	runtime.GC() // what the pools keep lives through the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A flood of the smallest packets, that nobody takes off the wire, fills the
// memory that was allowed, and what it took is given back.
func TestFloodOfSmallPacketsIsBoundedInMemory(t *testing.T) {
	const queue = 8 << 20
	for _, shaped := range []string{"", "delay 100ms", "rate 8kbit limit 10000000"} {
		loop := newVirtual()
		w := link.NewWire(link.WireConfig{Loop: loop, QueueBytes: queue, AB: shape(t, shaped)})
		pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(make([]byte, 28))})
		pkt.NetworkProtocolNumber = ip4
		var list gstack.PacketBufferList
		list.PushBack(pkt)
		before := inUse()
		for range 2 * queue / 512 {
			w.A().WritePackets(list)
		}
		c := w.AB().Counters()
		require.EqualValues(t, queue/512, c.UnderWay, "%q", shaped)
		require.EqualValues(t, queue/512, c.DroppedFull, "%q", shaped)
		require.Less(t, inUse()-before, 2*queue, "%q: bytes for %d packets", shaped, c.UnderWay)
		t.Logf("%q: %d bytes a packet", shaped, (inUse()-before)/c.UnderWay)

		// The loop runs nothing: nobody has to take part in the end.
		require.NoError(t, w.Close())
		require.Less(t, inUse()-before, queue/4, "%q: bytes when it is over", shaped)
		list.DecRef()
		runtime.KeepAlive(w)
	}
}

// A super-packet is one packet in memory, however many it stands for.
func TestSuperPacketsAreBoundedByTheirBytes(t *testing.T) {
	loop := newVirtual()
	w := link.NewWire(link.WireConfig{Loop: loop, QueueBytes: 1 << 20, MTU: 100})
	pkt := gstack.NewPacketBuffer(gstack.PacketBufferOptions{Payload: buffer.MakeWithData(make([]byte, 60_000))})
	pkt.NetworkProtocolNumber = ip4
	pkt.GSOOptions = gstack.GSO{Type: gstack.GSOTCPv4, MSS: 60}
	var list gstack.PacketBufferList
	list.PushBack(pkt)
	for range 20 {
		w.A().WritePackets(list)
	}
	c := w.AB().Counters()
	require.Equal(t, (1<<20)/60_000*60_000, c.UnderWayBytes)
	require.Greater(t, c.UnderWay, 1<<20/512)
	require.NoError(t, w.Close())
	list.DecRef()
}
