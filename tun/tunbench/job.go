//go:build linux

package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"strata/processors"
)

// A job is what the client does, and each of its connections says by its first
// byte what the server is to do.
const (
	upload    = "up"       // the client writes, the server counts and says how much it was
	download  = "down"     // the server writes until the client closes
	roundTrip = "trips"    // 64 bytes there and back
	together  = "together" // the same, client and server on one processor
	apart     = "apart"    // the same, each on its own
	crowd     = "crowd"    // round trips by a hundred connections at once
	connect   = "opens"    // dial, a byte there and back, close; one at a time
)

var jobs = []string{upload, download, roundTrip, together, apart, crowd, connect}

// counted says that a job is measured by what was done, not by bytes.
func counted(job string) bool { return job != upload && job != download }

const crowdSize = 100

const (
	tripSize  = 64
	chunkSize = 256 << 10
)

// serve is the server's side of one connection.
func serve(c net.Conn) error {
	defer c.Close()
	var kind [1]byte
	if _, err := io.ReadFull(c, kind[:]); err != nil {
		return err
	}
	size := chunkSize
	if kind[0] != upload[0] && kind[0] != download[0] {
		size = tripSize
	}
	b := make([]byte, size)
	switch kind[0] {
	case upload[0]:
		var total uint64
		for {
			n, err := c.Read(b)
			total += uint64(n)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		_, err := c.Write(binary.BigEndian.AppendUint64(nil, total))
		return err
	case download[0]:
		for {
			if _, err := c.Write(b); err != nil {
				return nil // the client has had enough
			}
		}
	case connect[0]:
		if _, err := c.Write(kind[:]); err != nil {
			return err
		}
		_, err := c.Read(b)
		if err == io.EOF {
			return nil
		}
		return err
	case roundTrip[0], crowd[0]:
		for {
			if _, err := io.ReadFull(c, b[:tripSize]); err != nil {
				return nil
			}
			if _, err := c.Write(b[:tripSize]); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("unknown job %q", kind)
}

// measurement is what the client found.
type measurement struct {
	Bytes   uint64        `json:"bytes"`
	Count   uint64        `json:"count"` // round trips, or connections
	Elapsed time.Duration `json:"elapsed"`
	CPU     time.Duration `json:"cpu"` // the client's process, user and system
}

// rate is Gbit/s, or round trips or connections a second.
func (m measurement) rate(job string) float64 {
	if counted(job) {
		return float64(m.Count) / m.Elapsed.Seconds()
	}
	return float64(m.Bytes) * 8 / 1e9 / m.Elapsed.Seconds()
}

// work is what the processor time is divided by: gigabytes, or millions of what
// is counted.
func (m measurement) work(job string) float64 {
	if counted(job) {
		return float64(m.Count) / 1e6
	}
	return float64(m.Bytes) / 1e9
}

// runClient is the client process: one job, its measurement in JSON on standard
// output.
func runClient(job, addr string, d time.Duration) error {
	m, err := measure(job, addr, d)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

func measure(job, addr string, d time.Duration) (m measurement, err error) {
	var start time.Time
	switch job {
	case upload, download:
		start, m.Bytes, err = bulk(job, addr, d)
	case roundTrip, together, apart:
		start, m.Count, err = roundTrips(addr, 1, d)
	case crowd:
		start, m.Count, err = roundTrips(addr, crowdSize, d)
	case connect:
		start, m.Count, err = connects(addr, d)
	default:
		return m, fmt.Errorf("unknown job %q", job)
	}
	m.Elapsed = time.Since(start)
	m.CPU, _ = processors.Time()
	return m, err
}

// dial connects for a job that lasts d.
func dial(job, addr string, d time.Duration) (*net.TCPConn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	err = c.SetDeadline(time.Now().Add(d + 10*time.Second))
	if err == nil {
		_, err = c.Write([]byte(job[:1]))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// bulk is one connection in one direction. It began at start.
func bulk(job, addr string, d time.Duration) (start time.Time, total uint64, err error) {
	c, err := dial(job, addr, d)
	if err != nil {
		return start, 0, err
	}
	defer c.Close()
	b := make([]byte, chunkSize)
	start = time.Now()
	if job == download {
		for time.Since(start) < d {
			n, err := c.Read(b)
			if err != nil {
				return start, total, err
			}
			total += uint64(n)
		}
		return start, total, nil
	}
	for time.Since(start) < d {
		if _, err := c.Write(b); err != nil {
			return start, 0, err
		}
	}
	if err := c.CloseWrite(); err != nil {
		return start, 0, err
	}
	_, err = io.ReadFull(c, b[:8])
	return start, binary.BigEndian.Uint64(b), err
}

// roundTrips has each of n connections go back and forth, from when all are
// open on.
func roundTrips(addr string, n int, d time.Duration) (start time.Time, total uint64, err error) {
	conns := make([]*net.TCPConn, n)
	for i := range conns {
		if conns[i], err = dial(roundTrip, addr, d); err != nil {
			return start, 0, err
		}
		defer conns[i].Close()
	}
	results := make(chan error, n)
	var count atomic.Uint64
	start = time.Now()
	for _, c := range conns {
		go func() {
			trips, err := backAndForth(c, start.Add(d))
			count.Add(trips)
			results <- err
		}()
	}
	for range conns {
		err = errors.Join(err, <-results)
	}
	return start, count.Load(), err
}

func backAndForth(c net.Conn, until time.Time) (trips uint64, err error) {
	b := make([]byte, tripSize)
	for time.Now().Before(until) {
		if _, err := c.Write(b); err != nil {
			return trips, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return trips, err
		}
		trips++
	}
	return trips, nil
}

// connects opens and closes one connection after the other. It takes a FIN of
// each side, and leaves the client's port in TIME_WAIT (see morePorts).
func connects(addr string, d time.Duration) (start time.Time, total uint64, err error) {
	var b [1]byte
	start = time.Now()
	for time.Since(start) < d {
		c, err := dial(connect, addr, d)
		if err != nil {
			return start, total, err
		}
		_, err = io.ReadFull(c, b[:])
		c.Close()
		if err != nil {
			return start, total, err
		}
		total++
	}
	return start, total, nil
}
