package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"strata/link"
	"strata/processors"
)

// ends are n connections, each with both of its ends in this process.
type ends struct {
	client, server []net.Conn
	closeAll       func()
}

// overWire connects two hosts of ours.
func overWire(c link.WireConfig, n int) (*ends, error) {
	p, err := newPair(c)
	if err != nil {
		return nil, err
	}
	ln, err := p.listen(80)
	if err == nil {
		var e *ends
		if e, err = connect(ln, func() (net.Conn, error) { return p.dial(80) }, n); err == nil {
			e.closeAll = p.close
			return e, nil
		}
	}
	p.close()
	return nil, err
}

// overLoopback has the kernel on both ends.
func overLoopback(n int) (*ends, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	e, err := connect(ln, func() (net.Conn, error) { return net.Dial("tcp4", ln.Addr().String()) }, n)
	if err != nil {
		return nil, err
	}
	e.closeAll = func() {
		for i := range e.client {
			e.client[i].Close()
			e.server[i].Close()
		}
	}
	return e, nil
}

func connect(ln net.Listener, dial func() (net.Conn, error), n int) (*ends, error) {
	e := &ends{}
	for range n {
		c, err := dial()
		if err != nil {
			return nil, err
		}
		s, err := ln.Accept()
		if err != nil {
			return nil, err
		}
		e.client, e.server = append(e.client, c), append(e.server, s)
	}
	return e, nil
}

// roundTrips is how many messages of size bytes go there and back a second, on
// all connections together.
func (e *ends) roundTrips(size int, d time.Duration) (float64, error) {
	start := time.Now()
	var count atomic.Uint64
	results := make(chan error, len(e.client))
	for i := range e.client {
		go echo(e.server[i], size)
		go func() {
			c, b, message := e.client[i], make([]byte, size), make([]byte, size)
			for first := true; first || time.Since(start) < d; first = false {
				// Both directions at once: a message may be larger than what the
				// buffers of the connection take.
				sent := make(chan error, 1)
				if size > 32<<10 {
					go func() { _, err := c.Write(message); sent <- err }()
				} else {
					_, err := c.Write(message)
					sent <- err
				}
				_, err := io.ReadFull(c, b)
				if err = errors.Join(err, <-sent); err != nil {
					results <- err
					return
				}
				count.Add(1)
			}
			results <- nil
		}()
	}
	var err error
	for range e.client {
		err = errors.Join(err, <-results)
	}
	return float64(count.Load()) / time.Since(start).Seconds(), err
}

// echo ends when its connection does.
func echo(c net.Conn, size int) {
	b := make([]byte, min(size, 32<<10))
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}

// bulk is Gbit/s of one connection, from client to server.
func (e *ends) bulk(_ int, d time.Duration) (float64, error) {
	c, s := e.client[0], e.server[0]
	start := time.Now()
	sent := make(chan error, 1)
	go func() {
		b := make([]byte, 256<<10)
		for time.Since(start) < d {
			if _, err := c.Write(b); err != nil {
				sent <- err
				return
			}
		}
		sent <- c.Close()
	}()
	b, total := make([]byte, 256<<10), 0
	for {
		n, err := s.Read(b)
		total += n
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	return float64(total) * 8 / 1e9 / time.Since(start).Seconds(), <-sent
}

// trial is what one row measures on both.
type trial struct {
	what, unit string
	wire       link.WireConfig
	conns      int
	size       int
	job        func(e *ends, size int, d time.Duration) (float64, error)
	wanted     float64
	spare      bool // ours with as few processors as the work needs
	alone      bool // ours only
}

func (t trial) once(open func() (*ends, error), d time.Duration) (float64, error) {
	e, err := open()
	if err != nil {
		return 0, err
	}
	defer e.closeAll()
	return t.job(e, t.size, d)
}

// measure alternates between us and the kernel.
func (t trial) measure(rounds int, d time.Duration) (Row, error) {
	var ours, theirs []float64
	for range rounds {
		giveBack := func() {}
		if t.spare {
			giveBack = processors.Spare()
		}
		v, err := t.once(func() (*ends, error) { return overWire(t.wire, t.conns) }, d)
		giveBack()
		if err != nil {
			return Row{}, fmt.Errorf("%s, over the wire: %w", t.what, err)
		}
		ours = append(ours, v)
		if t.alone {
			continue
		}
		if v, err = t.once(func() (*ends, error) { return overLoopback(t.conns) }, d); err != nil {
			return Row{}, fmt.Errorf("%s, over the kernel's loopback: %w", t.what, err)
		}
		theirs = append(theirs, v)
	}
	if t.alone {
		return Row{What: t.what, Unit: t.unit, Ours: median(ours)}, nil
	}
	return faster(t.what, "the kernel's loopback", t.unit, median(ours), median(theirs), t.wanted), nil
}

// mostBeside is how many connections the kernel's side is asked for: both ends of
// each are descriptors of this process, which may have 20,000 on many systems.
const mostBeside = 5000

func wirePart(quick bool) ([]Section, error) {
	rounds, d := 5, 300*time.Millisecond
	if quick {
		rounds, d = 3, 100*time.Millisecond
	}
	trips, bulk := (*ends).roundTrips, (*ends).bulk
	small := link.WireConfig{NoSuperPackets: true}
	first := []trial{
		{what: "bulk, one connection", unit: "Gbit/s", conns: 1, job: bulk, wanted: 1},
		{what: "bulk, one connection, every segment a packet of its own", unit: "Gbit/s", wire: small, conns: 1, job: bulk},
		{what: "64 B round trips, one connection", unit: "trips/s", conns: 1, size: 64, job: trips, wanted: 1},
		{what: "64 B round trips, one connection, processors.Spare", unit: "trips/s", conns: 1, size: 64, job: trips, wanted: 1, spare: true},
	}
	var conns, sizes, mtus []trial
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		conns = append(conns, trial{what: fmt.Sprintf("connections: %d", n), unit: "trips/s", conns: n, size: 64, job: trips, alone: n > mostBeside})
	}
	for _, n := range []int{1, 64, 1 << 10, 16 << 10, 128 << 10, 1 << 20} {
		sizes = append(sizes, trial{what: fmt.Sprintf("%d B", n), unit: "trips/s", conns: 1, size: n, job: trips})
	}
	for _, mtu := range []uint32{576, 1500, 9000, 65535} {
		mtus = append(mtus, trial{what: fmt.Sprintf("MTU %d", mtu), unit: "Gbit/s", wire: link.WireConfig{MTU: mtu, NoSuperPackets: true}, conns: 1, job: bulk})
	}
	sections := []Section{
		{Title: "The wire in memory", Note: "Two of our hosts in one process, beside two sockets of the kernel in one process." + ofKernel(kernelCongestion())},
		{Title: "The wire by the number of connections", Note: "64 B round trips on all of them at once; of 10,000 ours only, as the kernel's ends would be more descriptors than a process may have. " +
			"From 1 to 10 the processors no longer sleep between two packets; with 1,000 the connections no longer fit the processors' caches, for the kernel neither; " +
			"with 10,000 all of them together take longer than the shortest RTO (200 ms), and segments are sent again though none was lost: our TCP waits for a processor like every goroutine, where a kernel acknowledges in an interrupt."},
		{Title: "The wire by the size of a message", Note: "Round trips of one connection. Up to 1 KiB a trip costs what its packets cost, whatever is in them; from 16 KiB on it is copies, of which there are four, into memory that gVisor clears before; from 128 KiB on a message is several packets, whose ways overlap."},
		{Title: "The wire by its MTU", Note: "Bulk of one connection where every segment is a packet of its own; the kernel's loopback as it is (MTU 65536, with offloads). A packet costs about the same whatever its size, so bulk grows with the MTU, until copies take over."},
	}
	for i, trials := range [][]trial{first, conns, sizes, mtus} {
		for _, t := range trials {
			row, err := t.measure(rounds, d)
			if err != nil {
				return sections[:i], err
			}
			sections[i].Rows = append(sections[i].Rows, row)
		}
	}
	return sections, nil
}
