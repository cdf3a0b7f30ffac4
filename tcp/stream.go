package tcp

import (
	"strata/trace"
	"strata/trace/tlsrecord"
)

// recordStream tells of the bytes of a direction's stream that end at to, and of
// the TLS records that end in them.
func (c *Conn) recordStream(dir trace.Direction, to uint64, p []byte) {
	rec := c.host.Detail()
	if rec == nil {
		return
	}
	begins := to == uint64(len(p)) && beginsTLS(p)
	if begins {
		c.beginTLS(dir)
	}
	records := c.tls.Load()
	wanted := trace.Wants(rec, trace.Flow{}, trace.Details)
	if !wanted && records == nil {
		return
	}
	flow := c.Flow()
	if !wanted || !trace.Wants(rec, flow, trace.Details) {
		if records != nil { // a recorder that wakes wants to hear where records begin
			records.Pass(dir, p, nil)
		}
		return
	}
	e := trace.Event{At: c.host.Loop().Now(), Host: c.host.Name(), Dir: dir, Flow: flow}
	e.What = trace.Stream{From: to - uint64(len(p)), To: to, TLS: begins}
	rec.Record(e)
	if records != nil {
		records.Pass(dir, p, func(r trace.TLSRecord) {
			e.What = r
			rec.Record(e)
		})
	}
}

// beginTLS has both directions read as TLS records, where nothing has gone the
// other way yet.
func (c *Conn) beginTLS(dir trace.Direction) {
	other := &c.sent
	if dir == trace.Out {
		other = &c.received
	}
	if other.Load() == 0 {
		c.tls.CompareAndSwap(nil, new(tlsrecord.Conn))
	}
}

// beginsTLS says whether p is the beginning of a TLS handshake: a record's
// content type and the version's first byte (RFC 8446 §5.1).
func beginsTLS(p []byte) bool { return len(p) >= 2 && p[0] == 22 && p[1] == 3 }
