package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"

	"strata/link"
	"strata/ws"
)

// The floors up to which connections are opened, and then held with nothing
// going on.
const (
	floorTCP   = "tcp"   // both ends
	floorHTTP  = "http"  // the server has answered an upgrade, and hijacked the connection
	floorEvent = "event" // the server's end is a ws.Conn in event mode
)

// held is what a connection takes, in bytes: of its two TCP endpoints, and of
// what the server has on top.
type held struct {
	Heap   float64 `json:"heap"`
	Stacks float64 `json:"stacks"`
}

func (h held) total() float64 { return h.Heap + h.Stacks }

// serverPorts are many enough that the client does not run out of its own.
const serverPorts = 4

// holdConns is the child process: it opens the connections over the wire in
// memory, and prints what each takes. The client's ends are bare.
func holdConns(floor string, n int) error {
	p, err := newPair(link.WireConfig{})
	if err != nil {
		return err
	}
	defer p.close()
	f := &floorServer{floor: floor, opened: make(chan bool)}
	for i := range serverPorts {
		ln, err := p.listen(80 + i)
		if err != nil {
			return err
		}
		defer ln.Close()
		f.serve(ln)
	}
	keep := make([]net.Conn, 0, n)
	open := func(i int) error {
		c, err := p.dial(80 + i%serverPorts)
		if err != nil {
			return err
		}
		keep = append(keep, c)
		if floor != floorTCP {
			if err := upgrade(c); err != nil {
				return err
			}
		}
		<-f.opened
		return nil
	}
	const warm = 50 // what is allocated once is nobody's
	for i := range warm {
		if err := open(i); err != nil {
			return err
		}
	}
	before := inUse()
	for i := range n {
		if err := open(i); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	after := inUse()
	runtime.KeepAlive(keep)
	return json.NewEncoder(os.Stdout).Encode(held{
		Heap:   (after.Heap - before.Heap) / float64(n),
		Stacks: (after.Stacks - before.Stacks) / float64(n),
	})
}

// inUse is the process's own memory, with what is garbage gone. Twice, so that
// pools are empty.
func inUse() held {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{Heap: float64(m.HeapAlloc), Stacks: float64(m.StackInuse)}
}

// floorServer holds the server's ends, and says of each that it is there.
type floorServer struct {
	floor  string
	opened chan bool
	mu     sync.Mutex
	keep   []net.Conn
}

func (f *floorServer) hold(c net.Conn) {
	f.mu.Lock()
	if c != nil {
		f.keep = append(f.keep, c)
	}
	f.mu.Unlock()
	f.opened <- true
}

// serve answers on ln until that is closed.
func (f *floorServer) serve(ln net.Listener) {
	switch f.floor {
	case floorTCP:
		go accept(ln, f.hold)
	case floorHTTP:
		go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			f.hold(c)
		}))
	case floorEvent:
		h := &ws.Handler{OnOpen: func(*ws.Conn) { f.hold(nil) }}
		go accept(ln, func(c net.Conn) {
			go func() {
				if conn, err := ws.Upgrade(c, nil); err == nil {
					conn.Handle(h)
				}
			}()
		})
	}
}

func accept(ln net.Listener, each func(net.Conn)) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		each(c)
	}
}

// upgrade asks for a WebSocket (RFC 6455 §4.1) and reads the answer.
func upgrade(c net.Conn) error {
	if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: server\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("upgrade: %s", res.Status)
	}
	return nil
}

func idlePart(quick bool) ([]Section, error) {
	counts := []int{1000, 10_000, 100_000} // the last takes 2 GB of memory
	if quick {
		counts = counts[:1]
	}
	s := Section{
		Title: "An idle connection",
		Note: "Heap and stacks of the server's side of a connection over the wire in memory, all floors below together: half of what both TCP endpoints take, " +
			"and what the floor adds. Kernel memory is none.",
	}
	for _, n := range counts {
		var both held
		for _, floor := range []string{floorTCP, floorHTTP, floorEvent} {
			h, err := holdInChild(floor, n)
			if err != nil {
				return []Section{s}, fmt.Errorf("%s, %d connections: %w", floor, n, err)
			}
			if floor == floorTCP {
				both = h
			}
			row := Row{What: fmt.Sprintf("%s, of %d connections", floorTitles[floor], n), Unit: "KB", Ours: (h.total() - both.total()/2) / 1000}
			if floor == floorTCP {
				row.Wanted = 6
			}
			s.Rows = append(s.Rows, row)
		}
	}
	return []Section{s}, nil
}

var floorTitles = map[string]string{
	floorTCP:   "TCP",
	floorHTTP:  "after an upgrade by net/http",
	floorEvent: "WebSocket in event mode",
}

// holdInChild has a process of its own, whose memory is only this.
func holdInChild(floor string, n int) (h held, err error) {
	self, err := os.Executable()
	if err != nil {
		return h, err
	}
	cmd := exec.Command(self, "-hold", floor, "-conns", strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(out, &h)
}
