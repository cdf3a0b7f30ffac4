//go:build linux

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// A job is what one connection does, told by its first byte.
const (
	upload    = "up"    // the client writes, the server counts and says how much it was
	download  = "down"  // the server writes until the client closes
	roundTrip = "trips" // 64 bytes there and back
)

var jobs = []string{upload, download, roundTrip}

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
	b := make([]byte, chunkSize)
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
	case roundTrip[0]:
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
	Trips   uint64        `json:"trips"`
	Elapsed time.Duration `json:"elapsed"`
	CPU     time.Duration `json:"cpu"` // the client's process, user and system
}

// rate is Gbit/s, or round trips a second.
func (m measurement) rate(job string) float64 {
	if job == roundTrip {
		return float64(m.Trips) / m.Elapsed.Seconds()
	}
	return float64(m.Bytes) * 8 / 1e9 / m.Elapsed.Seconds()
}

// runClient is the client process: one job, its measurement in JSON on standard
// output.
func runClient(job, addr string, d time.Duration) error {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(d + 10*time.Second)); err != nil {
		return err
	}
	m, err := measure(c.(*net.TCPConn), job, d)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

func measure(c *net.TCPConn, job string, d time.Duration) (measurement, error) {
	var m measurement
	if _, err := c.Write([]byte(job[:1])); err != nil {
		return m, err
	}
	b := make([]byte, chunkSize)
	start := time.Now()
	switch job {
	case upload:
		for time.Since(start) < d {
			if _, err := c.Write(b); err != nil {
				return m, err
			}
		}
		if err := c.CloseWrite(); err != nil {
			return m, err
		}
		var total [8]byte
		if _, err := io.ReadFull(c, total[:]); err != nil {
			return m, err
		}
		m.Bytes = binary.BigEndian.Uint64(total[:])
	case download:
		for time.Since(start) < d {
			n, err := c.Read(b)
			if err != nil {
				return m, err
			}
			m.Bytes += uint64(n)
		}
	case roundTrip:
		for time.Since(start) < d {
			if _, err := c.Write(b[:tripSize]); err != nil {
				return m, err
			}
			if _, err := io.ReadFull(c, b[:tripSize]); err != nil {
				return m, err
			}
			m.Trips++
		}
	default:
		return m, fmt.Errorf("unknown job %q", job)
	}
	m.Elapsed = time.Since(start)
	m.CPU = cpuTime()
	return m, nil
}

// cpuTime is what this process has used, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
