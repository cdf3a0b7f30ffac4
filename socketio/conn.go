package socketio

import (
	"encoding/json"
	"errors"
	"sync"

	"strata/socketio/engineio"
	"strata/socketio/internal/dispatch"
	"strata/socketio/parser"
)

// conn is a client's connection: an Engine.IO session and the sockets that
// share it, one a namespace.
type conn struct {
	server  *Server
	session *engineio.Session
	decoder parser.MessageDecoder

	mu       sync.Mutex
	sockets  map[string]*Socket // by namespace; nil after the end
	joining  map[string]bool    // namespaces whose middlewares are being asked
	left     map[string]bool    // namespaces that we disconnected it from
	deadline engineio.Timer     // to join the first namespace
	closed   bool
}

var _ engineio.Handler = (*conn)(nil)

func newConn(s *Server, session *engineio.Session) *conn {
	c := &conn{server: s, session: session, decoder: s.opts.Parser.NewDecoder()}
	c.deadline.Start(session, s.opts.ConnectTimeout, func() { c.end(ReasonForcedServerClose, true) })
	if c.isV2() {
		c.connect(parser.Packet{Type: parser.Connect, Namespace: "/"}, engineio.Turn{})
	}
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
		c.packet(p, m.Turn)
	}
}

// packet takes a whole packet.
func (c *conn) packet(p parser.Packet, turn engineio.Turn) {
	if c.isV2() {
		fromV2(&p)
	}
	c.mu.Lock()
	s, joining, left := c.sockets[p.Namespace], c.joining[p.Namespace], c.left[p.Namespace]
	c.mu.Unlock()
	c.server.trace.received(c.session, s, &p)
	switch {
	case s == nil && p.Type == parser.Connect && !joining:
		turn.Waits() // for functions of the program's, and for an Adapter
		c.connect(p, turn)
	case s != nil && p.Type != parser.Connect && p.Type != parser.ConnectError:
		s.packet(p, turn)
	case left && !joining && p.Type != parser.ConnectError:
		// It was on its way when we disconnected the client. The official
		// server closes the connection for that, with all other namespaces.
	default:
		// A second CONNECT, something for a namespace that was not joined,
		// or what only servers say.
		turn.Waits() // for OnDisconnecting
		c.end(ReasonForcedServerClose, true)
	}
}

// connect has the client join a namespace.
func (c *conn) connect(p parser.Packet, turn engineio.Turn) {
	c.mu.Lock()
	many := len(c.sockets)+len(c.joining) >= c.server.opts.MaxNamespaces
	c.mu.Unlock()
	if many {
		c.refuse(p.Namespace, &ConnectError{Message: "Too many namespaces"})
		return
	}
	n := c.server.enter(p.Namespace, p.Data)
	if n == nil {
		c.refuse(p.Namespace, &ConnectError{Message: "Invalid namespace"})
		return
	}
	middlewares := n.middlewareList()
	if len(middlewares) == 0 {
		c.join(n, p.Data, nil, turn)
		return
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		c.server.leave(n)
		return
	}
	if c.joining == nil {
		c.joining = map[string]bool{}
	}
	c.joining[n.name] = true
	c.server.running.Add(1)
	c.mu.Unlock()
	go func() {
		defer c.server.running.Done()
		c.join(n, p.Data, middlewares, engineio.Turn{})
	}()
}

// join makes a socket of a client that wants to join n, unless a middleware
// does not want it.
func (c *conn) join(n *Namespace, auth []byte, middlewares []func(*Socket) error, turn engineio.Turn) {
	recovery := c.server.opts.Recovery
	if c.isV2() {
		recovery = nil
	}
	if recovery != nil && !recovery.RunMiddlewares && c.restore(n, auth, turn) {
		return
	}
	id, err := c.newSocketID(n)
	if err != nil {
		c.fail(n, err)
		return
	}
	s := newSocket(c, n, id, auth)
	if recovery != nil {
		if s.pid, err = c.server.newID(); err != nil {
			c.fail(n, err)
			return
		}
		s.over = make(chan struct{})
	}
	if err := s.runMiddlewares(middlewares); err != nil {
		c.server.leave(n)
		c.mu.Lock()
		delete(c.joining, n.name) // before the client hears of it: it may try again at once
		c.mu.Unlock()
		c.refuse(n.name, err)
		return
	}
	if recovery != nil && recovery.RunMiddlewares && c.restore(n, auth, turn) {
		return
	}
	start, ok := c.enter(s, turn)
	if !ok {
		c.server.leave(n)
		return
	}
	defer start()
	n.adapter.Add(s)
	s.arrive()
}

// restore lets a client continue its session.
func (c *conn) restore(n *Namespace, auth []byte, turn engineio.Turn) bool {
	var back struct {
		PID    string `json:"pid"`
		Offset string `json:"offset"`
	}
	if len(auth) == 0 || json.Unmarshal(auth, &back) != nil || back.PID == "" {
		return false
	}
	var again *Socket
	var start func()
	defer func() {
		if start != nil {
			start()
		}
	}()
	n.adapter.Restore(back.PID, back.Offset, func(session Session) (s *Socket, ok bool) {
		s = newSocket(c, n, session.ID, auth)
		s.pid, s.recovered, s.data = session.PID, true, session.Data
		s.after, s.over = session.over, make(chan struct{})
		again = s
		start, ok = c.enter(s, turn)
		return s, ok
	})
	if start != nil { // it is the connection's, whatever else the adapter wanted
		again.arrive()
		return true
	}
	c.server.counters.notRecovered.Add(1)
	return false
}

// enter makes s a socket of the connection, for the adapter to add. start lets
// the connection handlers be called, and after them those of what the client
// sends.
func (c *conn) enter(s *Socket, turn engineio.Turn) (start func(), ok bool) {
	if !c.register(s) {
		return nil, false
	}
	c.server.counters.joined.Add(1)
	if s.recovered {
		c.server.counters.recovered.Add(1)
	}
	added := make(chan struct{})
	s.mailbox.Put(0, turn, func() {
		<-added
		if s.after != nil {
			<-s.after // it is the same socket to the program: OnDisconnect comes before OnConnection
		}
		for _, fn := range s.namespace.connectionHandlers() {
			fn(s)
		}
	})
	return func() { close(added) }, true
}

// welcome tells the client that s has joined.
func (c *conn) welcome(s *Socket) {
	yes := parser.Packet{Type: parser.Connect, Namespace: s.namespace.name}
	if !c.isV2() {
		answer := append(append([]byte(`{"sid":"`), s.id...), '"')
		if s.pid != "" {
			answer = append(append(append(answer, `,"pid":"`...), s.pid...), '"')
		}
		yes.Data = append(answer, '}')
	}
	_ = c.session.Send(c.server.trace.sending(s, &yes, dispatch.Encode(c.server.opts.Parser, &yes))...)
}

// register has the end of the connection end the socket. It reports false where
// it has ended already.
func (c *conn) register(s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	if c.closed || c.server.closed {
		return false
	}
	c.deadline.Stop(c.session)
	if c.sockets == nil {
		c.sockets = make(map[string]*Socket, 1)
	}
	c.sockets[s.namespace.name] = s
	delete(c.left, s.namespace.name)
	delete(c.joining, s.namespace.name)
	c.server.running.Add(1)
	c.server.counters.sockets.Add(1)
	s.enter()
	return true
}

// fail ends a connection for a reason of our own.
func (c *conn) fail(n *Namespace, err error) {
	c.server.leave(n)
	c.server.opts.Logger.Error(err.Error())
	c.end(ReasonForcedServerClose, true)
}

// ConnectError is what a middleware returns that has more to say to the client
// than a text.
type ConnectError struct {
	Message string
	Data    any // as JSON; nil: nothing
}

// Error is the message.
func (e *ConnectError) Error() string { return e.Message }

// refusal is the payload of a CONNECT_ERROR.
type refusal struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// refuse tells the client that it may not join.
func (c *conn) refuse(namespace string, err error) {
	c.server.counters.connectErrors.Add(1)
	answer := refusal{Message: err.Error()}
	var more *ConnectError
	if errors.As(err, &more) {
		answer.Data = more.Data
	}
	data, err := answer.encode(c.isV2())
	if err != nil {
		c.server.opts.Logger.Error("socket.io: the data of a ConnectError cannot be sent", "error", err, "namespace", namespace)
		answer.Data = nil
		data, _ = answer.encode(c.isV2()) // a string
	}
	no := parser.Packet{Type: parser.ConnectError, Namespace: namespace, Data: data}
	_ = c.session.Send(c.server.trace.sending(nil, &no, dispatch.Encode(c.server.opts.Parser, &no))...)
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
	c.deadline.Stop(c.session)
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
