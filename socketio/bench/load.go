package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// figure is what one load found.
type figure struct {
	rate    float64       // a second
	cost    float64       // microseconds of the server's processor time, each
	slowest time.Duration // of a hundred; 0: it was not measured
}

// idleMemory is by how much the server's resident memory grows with each client
// that does nothing, bytes, after it had time to give back what it only needed to
// connect them.
func idleMemory(addr string, pid, n int) (float64, error) {
	warm, err := gather(addr, 100)
	if err != nil {
		return 0, err
	}
	defer warm.close()
	before, err := resident(pid)
	if err != nil {
		return 0, err
	}
	all, err := gather(addr, n)
	if err != nil {
		return 0, err
	}
	defer all.close()
	time.Sleep(5 * time.Second)
	after, err := resident(pid)
	return float64(after-before) / float64(n), err
}

// echo has each of n clients keep that many events under way: for every answer it
// sends the next.
func echo(addr string, pid, n, underWay int, span time.Duration) (f figure, err error) {
	all, err := gather(addr, n)
	if err != nil {
		return f, err
	}
	event := textFrame(`420["echo","` + strings.Repeat("x", 80) + `"]`)
	events := bytes.Repeat(event, underWay)
	var count atomic.Int64
	var failed atomic.Pointer[error]
	all.start(func(c *client, _ []byte) { c.count++ }, func(c *client) {
		if c.count == 0 {
			return
		}
		if err := c.say(events[:c.count*len(event)]); err != nil {
			failed.Store(&err)
		}
		count.Add(int64(c.count))
		c.count = 0
	})
	for i := range all.clients {
		if err := all.clients[i].say(events); err != nil {
			failed.Store(&err)
		}
	}
	time.Sleep(span / 4)
	from, used, at := count.Load(), processorTime(pid), time.Now()
	time.Sleep(span)
	done := float64(count.Load() - from)
	f = figure{rate: done / time.Since(at).Seconds(), cost: (processorTime(pid) - used) / done}
	err = all.close()
	if why := failed.Load(); why != nil {
		err = *why
	}
	return f, err
}

// broadcast has events sent to n clients, that many of them under way: the next
// begins when the oldest has reached everybody.
func broadcast(addr string, pid, n, underWay int, span time.Duration) (f figure, err error) {
	all, err := gather(addr, n)
	if err != nil {
		return f, err
	}
	began := time.Now()
	var took []time.Duration
	var failed error
	first := &all.clients[0]
	say := func() {
		if err := first.say(textFrame(fmt.Sprintf(`42["all",%d]`, time.Since(began).Microseconds()))); err != nil {
			failed = err
		}
	}
	// All on the load's thread, which begins with what the first of them says.
	left := n
	all.start(func(_ *client, p []byte) {
		at, err := strconv.ParseInt(string(bytes.TrimSuffix(p[bytes.LastIndexByte(p, ',')+1:], []byte("]"))), 10, 64)
		if err != nil {
			failed = fmt.Errorf("the server said %q: %w", p, err)
		}
		took = append(took, time.Since(began)-time.Duration(at)*time.Microsecond)
		if left--; left == 0 {
			left = n
			say()
		}
	}, nil)
	used, at := processorTime(pid), time.Now()
	for range underWay {
		say()
	}
	time.Sleep(span)
	used, elapsed := processorTime(pid)-used, time.Since(at)
	if err := all.close(); err != nil {
		return f, err
	}
	if failed != nil || len(took) == 0 {
		return f, fmt.Errorf("%d deliveries: %w", len(took), failed)
	}
	slices.Sort(took)
	return figure{rate: float64(len(took)) / elapsed.Seconds(), cost: used / float64(len(took)), slowest: took[len(took)*99/100]}, nil
}

// connect has 32 clients connect, join and go as fast as they can.
func connect(pid int, span time.Duration, worker func() (once func() error, done func())) (f figure, err error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	used, at := processorTime(pid), time.Now()
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			once, done := worker()
			defer done()
			for time.Since(at) < span {
				if err := once(); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return f, *err
	}
	done := float64(count.Load())
	return figure{rate: done / time.Since(at).Seconds(), cost: (processorTime(pid) - used) / done}, nil
}
