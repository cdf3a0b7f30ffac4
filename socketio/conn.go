package socketio

import (
	"sync"
	"time"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
	"strata/trace"
)

// conn is a client's connection: an Engine.IO session and the sockets that
// share it, one a namespace.
type conn struct {
	server  *Server
	session *engineio.Session
	decoder parser.Decoder

	mu       sync.Mutex
	sockets  map[string]*Socket // by namespace; nil after the end
	left     map[string]bool    // namespaces that we disconnected it from
	deadline *time.Timer        // to join the first namespace
	closed   bool
}

var _ engineio.Handler = (*conn)(nil)

func newConn(s *Server, session *engineio.Session) *conn {
	c := &conn{server: s, session: session}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = time.AfterFunc(s.opts.ConnectTimeout, func() { c.end(ReasonForcedServerClose, true) })
	return c
}

// Message takes a message from the client.
func (c *conn) Message(m engineio.Message) {
	take := c.decoder.Text
	if m.Binary {
		take = c.decoder.Binary
	}
	p, ok, err := take(m.Data)
	if err != nil {
		c.server.opts.Logger.Debug("socket.io: closing a connection", "error", err, "remote", c.session.Handshake().RemoteAddr)
		c.session.Close() // its sockets end with "forced close"
		return
	}
	if ok {
		c.packet(p)
	}
}

// packet takes a whole packet.
func (c *conn) packet(p parser.Packet) {
	c.mu.Lock()
	s, left := c.sockets[p.Namespace], c.left[p.Namespace]
	c.mu.Unlock()
	c.server.trace.message(trace.In, c.session, s, &p)
	switch {
	case s == nil && p.Type == parser.Connect:
		c.connect(p)
	case s != nil && p.Type != parser.Connect && p.Type != parser.ConnectError:
		s.packet(p)
	case left && p.Type != parser.ConnectError:
		// It was on its way when we disconnected the client. The official
		// server closes the connection for that, with all other namespaces.
	default:
		// A second CONNECT, something for a namespace that was not joined,
		// or what only servers say.
		c.end(ReasonForcedServerClose, true)
	}
}

// connect has the client join a namespace.
func (c *conn) connect(p parser.Packet) {
	n := c.server.namespace(p.Namespace)
	if n == nil {
		no := parser.Packet{Type: parser.ConnectError, Namespace: p.Namespace, Data: []byte(`{"message":"Invalid namespace"}`)}
		c.server.trace.message(trace.Out, c.session, nil, &no)
		_ = c.session.Send(dispatch.Encode(&no)...)
		return
	}
	id, err := c.server.newID()
	if err != nil {
		c.server.opts.Logger.Error(err.Error())
		c.end(ReasonForcedServerClose, true)
		return
	}
	s := newSocket(c, n, id, p.Data)
	yes := parser.Packet{Type: parser.Connect, Namespace: n.name, Data: []byte(`{"sid":"` + id + `"}`)}

	// Under the lock, so that the end of the connection finds either no
	// socket or a whole one. The answer goes out before the socket is where
	// broadcasts find it.
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	if c.closed || c.server.closed {
		return
	}
	c.deadline.Stop()
	if c.sockets == nil {
		c.sockets = map[string]*Socket{}
	}
	c.sockets[n.name] = s
	delete(c.left, n.name)
	c.server.running.Add(1)
	c.server.trace.message(trace.Out, c.session, s, &yes)
	_ = c.session.Send(dispatch.Encode(&yes)...)
	n.rooms.add(s)
	s.mailbox.Put(0, func() {
		for _, fn := range n.connectionHandlers() {
			fn(s)
		}
	})
}

// remove forgets a socket that was disconnected.
func (c *conn) remove(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sockets[s.namespace.name] == s {
		delete(c.sockets, s.namespace.name)
	}
}

// dismiss forgets a socket that is about to be disconnected from here: the
// client may join again as soon as it hears of it.
func (c *conn) dismiss(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sockets[s.namespace.name] == s {
		delete(c.sockets, s.namespace.name)
		if c.left == nil {
			c.left = map[string]bool{}
		}
		c.left[s.namespace.name] = true
	}
}

// Closed is the end of the connection.
func (c *conn) Closed(reason engineio.Reason, err error) {
	if err != nil {
		c.server.opts.Logger.Debug("socket.io: connection ended", "reason", string(reason), "error", err, "remote", c.session.Handshake().RemoteAddr)
	}
	c.end(string(reason), false)
}

// end ends all sockets of the connection, and with closeSession the connection.
func (c *conn) end(reason string, closeSession bool) {
	c.mu.Lock()
	c.closed = true
	c.deadline.Stop()
	sockets := c.sockets
	c.sockets = nil
	c.mu.Unlock()
	for _, s := range sockets {
		s.close(reason, false)
	}
	if closeSession {
		c.session.Close()
	}
}
