package lab_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/internal/echo"
	"strata/lab"
	"strata/link"
	"strata/trace"

	gstack "gvisor.dev/gvisor/pkg/tcpip/stack"
)

// fingerprints notes every packet of a host's links, with its time and bytes:
// one sum a host.
type fingerprints struct {
	w    *lab.World
	sums map[string]hash.Hash
}

func (f *fingerprints) watch(h *lab.Host) {
	sum := sha256.New()
	f.sums[h.Name()] = sum
	h.Inspect(func(dir trace.Direction, pkt *gstack.PacketBuffer, _ *link.View) bool {
		binary.Write(sum, binary.BigEndian, int64(f.w.Elapsed()))
		sum.Write([]byte{byte(dir)})
		sum.Write(link.AppendPacket(nil, pkt, true))
		return true
	})
}

// Two phones talk to two servers, each pair on a rough wire of its own. What is
// changed elsewhere changes nothing here: not when a host is added and talks, not
// when another wire loses more, is partitioned or has a rule. Each pair sees the
// same bytes at the same nanoseconds.
func TestWiresAreIndependent(t *testing.T) {
	run := func(change func(w *lab.World, others *lab.Wire)) map[string]string {
		sums := map[string]string{}
		lab.Run(t, func(w *lab.World) {
			prints := fingerprints{w, map[string]hash.Hash{}}
			wires := map[string]*lab.Wire{}
			for _, n := range []string{"1", "2"} {
				server, phone := w.Host("server"+n), w.Host("phone"+n)
				wires[n] = w.Connect(phone, server, link.MustParseShape(rough))
				prints.watch(server)
				prints.watch(phone)
			}
			if change != nil {
				change(w, wires["2"])
			}
			for _, n := range []string{"1", "2"} {
				w.Go(func() { chatter(w, "phone"+n, "server"+n) })
			}
			w.Wait()
			w.Sleep(10 * time.Minute) // what is closed needs time to be over
			for name, sum := range prints.sums {
				sums[name] = fmt.Sprintf("%x", sum.Sum(nil))
			}
		})
		return sums
	}
	before := run(nil)
	require.Len(t, before, 4)
	require.Equal(t, before, run(func(w *lab.World, _ *lab.Wire) {
		w.Connect(w.Host("stranger"), w.Host("friend"), link.MustParseShape(rough))
		w.Go(func() { chatter(w, "stranger", "friend") })
	}), "other hosts")
	for name, change := range map[string]func(w *lab.World, others *lab.Wire){
		"more loss":     func(_ *lab.World, others *lab.Wire) { others.AB().Set(link.MustParseShape("delay 5ms loss 20%")) },
		"a rule":        func(_ *lab.World, others *lab.Wire) { others.Rule(link.DropFirst(link.SYNACK)) },
		"one more wire": func(w *lab.World, others *lab.Wire) { w.Connect(w.Host("printer"), others.A, link.Shape{}) },
		"partitions": func(w *lab.World, others *lab.Wire) {
			cut := w.Partition(others.A)
			time.AfterFunc(time.Second, cut.Heal)
		},
	} {
		after := run(change)
		require.NotEqual(t, before["phone2"], after["phone2"], name)
		maps.DeleteFunc(after, func(host, _ string) bool { return host == "phone2" || host == "server2" })
		require.Equal(t, map[string]string{"phone1": before["phone1"], "server1": before["server1"]}, after, name)
	}
}

// chatter has one host send the other twenty messages, and get them back.
func chatter(w *lab.World, from, to string) {
	go echo.Serve(w.Host(to).Listen(":80"))
	c, err := w.Host(from).DialContext(w.Context(), "tcp", to+":80")
	if err != nil {
		w.T().Error(err)
		return
	}
	defer c.Close()
	for p := make([]byte, 3000); w.Elapsed() < 5*time.Second; w.Sleep(250 * time.Millisecond) {
		c.Write(p)
		if _, err := io.ReadFull(c, p); err != nil {
			w.T().Error(err)
			return
		}
	}
}
