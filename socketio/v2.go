package socketio

import (
	"encoding/json"
	"net/url"
	"strings"

	"strata/socketio/parser"
)

// Clients of version 2 come by version 3 of Engine.IO, where Options.AllowEIO3
// lets them. Their packets are those of today, but for how namespaces are joined:
// "/" without being asked for, others with a query in their name, and without
// ids in the answer.

// isV2 reports whether the connection's client is of version 2.
func (c *conn) isV2() bool { return c.session.Protocol() == 3 }

// fromV2 makes a packet of such a client one of today: a namespace's query is
// the auth payload.
func fromV2(p *parser.Packet) {
	name, query, _ := strings.Cut(p.Namespace, "?")
	p.Namespace = name
	if p.Type != parser.Connect {
		return
	}
	p.Data = nil
	values, _ := url.ParseQuery(query) // what cannot be read is not there
	if len(values) == 0 {
		return
	}
	auth := make(map[string]any, len(values))
	for k, v := range values {
		auth[k] = v[0]
		if len(v) > 1 {
			auth[k] = v
		}
	}
	data, err := json.Marshal(auth)
	if err != nil {
		panic(err) // strings
	}
	p.Data = data
}

// newSocketID is the id of a socket that joins n.
func (c *conn) newSocketID(n *Namespace) (string, error) {
	switch {
	case !c.isV2():
		return c.server.newID()
	case n == c.server.main:
		return c.session.ID(), nil
	}
	return n.name + "#" + c.session.ID(), nil // as the client makes it, too
}

// encode is the refusal as JSON: for a client of version 2 the data alone, or
// the message.
func (r refusal) encode(v2 bool) ([]byte, error) {
	if !v2 {
		return json.Marshal(r)
	}
	if r.Data != nil {
		return json.Marshal(r.Data)
	}
	return json.Marshal(r.Message)
}
