package cable

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"strata/link"
)

// What the control socket's clients may take of us.
const (
	maxLine    = 64 << 10
	maxClients = 16
	maxRules   = 64
	patience   = 5 * time.Second // with a client that does not read its answer
)

// control is the control socket.
type control struct {
	ln   net.Listener
	wire *link.Wire
	wait sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	clients map[net.Conn]struct{}
	rules   map[int]*link.Guard
	last    int // number of a rule
}

// listen opens the socket at path, for our own user only. One that a dead
// process has left there is replaced; anything else that is there is left.
func listen(path string, wire *link.Wire) (*control, error) {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("--control: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return nil, fmt.Errorf("--control %s: there is a file that is no socket; choose another path", path)
	default:
		conn, err := net.DialTimeout("unix", path, patience)
		if err == nil {
			conn.Close()
			return nil, fmt.Errorf("--control %s: another process is listening there; choose another path", path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("--control %s: there is a socket that does not answer (%w); remove it, or choose another path", path, err)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("--control: the socket of a process that is gone: %w", err)
		}
	}
	ln, err := listenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("--control %s: %w", path, err)
	}
	c := &control{ln: ln, wire: wire, clients: map[net.Conn]struct{}{}, rules: map[int]*link.Guard{}}
	c.wait.Go(c.accept)
	return c, nil
}

func (c *control) accept() {
	for {
		conn, err := c.ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of descriptors, say
			time.Sleep(10 * time.Millisecond)
			continue
		}
		c.mu.Lock()
		full, closed := len(c.clients) >= maxClients, c.closed
		if !full && !closed {
			c.clients[conn] = struct{}{}
			c.wait.Go(func() { c.serve(conn) })
		}
		c.mu.Unlock()
		if full {
			_ = c.write(conn, c.refusal(fmt.Errorf("there are %d clients already", maxClients)))
		}
		if full || closed {
			conn.Close()
		}
	}
}

func (c *control) serve(conn net.Conn) {
	defer func() {
		conn.Close()
		c.mu.Lock()
		delete(c.clients, conn)
		c.mu.Unlock()
	}()
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if c.write(conn, c.do(lines.Bytes())) != nil {
			return
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		_ = c.write(conn, c.refusal(fmt.Errorf("request: longer than %d bytes", maxLine)))
	}
}

func (c *control) write(conn net.Conn, a answer) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	_, err = conn.Write(append(line, '\n'))
	return err
}

// do does what a line says.
func (c *control) do(line []byte) answer {
	r, err := parseRequest(line)
	if err != nil {
		return c.refusal(err)
	}
	rule, err := c.apply(r)
	if err != nil {
		return c.refusal(err)
	}
	return answer{OK: true, Rule: rule, AB: stateOf(c.wire.AB()), BA: stateOf(c.wire.BA())}
}

func (c *control) refusal(err error) answer {
	return answer{Error: err.Error(), AB: stateOf(c.wire.AB()), BA: stateOf(c.wire.BA())}
}

func (c *control) apply(r request) (rule int, err error) {
	c.mu.Lock() // requests of several clients follow each other
	defer c.mu.Unlock()
	switch {
	case r.Counters:
		return 0, nil
	case r.Rule != "":
		return c.addRule(r)
	case r.Remove != 0:
		guard := c.rules[r.Remove]
		if guard == nil {
			return 0, fmt.Errorf("remove: there is no rule %d", r.Remove)
		}
		guard.Release()
		delete(c.rules, r.Remove)
		return 0, nil
	}
	all, err := directions(c.wire, r.Set+r.Down+r.Up+r.Blackhole) // one of them is given
	if err != nil {
		return 0, err
	}
	for _, d := range all {
		switch {
		case r.Set != "":
			err = errors.Join(err, d.Set(*r.Shape))
		case r.Down != "":
			d.Down()
		case r.Up != "":
			d.Up()
			d.Blackhole(false)
		case r.Blackhole != "":
			d.Blackhole(true)
		}
	}
	return 0, err
}

func (c *control) addRule(r request) (int, error) {
	if len(c.rules) >= maxRules {
		return 0, fmt.Errorf("rule: there are %d already; remove one", maxRules)
	}
	rule, err := ParseRule(r.Rule)
	if err != nil {
		return 0, err
	}
	add := c.wire.Rule
	switch r.On {
	case "", "both":
	case "ab":
		add = c.wire.AB().Rule
	case "ba":
		add = c.wire.BA().Rule
	default:
		_, err := directions(c.wire, r.On)
		return 0, err
	}
	c.last++
	c.rules[c.last] = add(rule)
	return c.last, nil
}

// close removes the socket and hangs up; it returns when nobody is served.
func (c *control) close() {
	c.mu.Lock()
	c.closed = true
	for conn := range c.clients {
		conn.Close()
	}
	c.mu.Unlock()
	c.ln.Close() // removes the socket's file
	c.wait.Wait()
}
