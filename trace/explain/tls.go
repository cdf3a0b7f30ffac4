package explain

import (
	"sort"
	"time"

	"strata/trace"
)

// Record is a TLS record in one direction of a connection.
type Record struct {
	trace.TLSRecord

	// When its sender had written all of it, and its receiver read it; zero
	// where that was not told.
	Sent, Received time.Time
}

// record joins what both ends tell of a record, by its place in the stream.
func (s *Story) record(e trace.Event, r trace.TLSRecord) {
	h := s.of(e)
	if h == nil {
		return
	}
	if e.Flow == h.conn.Flow { // told by who opened the connection
		h.conn.tls.see(r, e)
	}
	i := sort.Search(len(h.records), func(i int) bool { return h.records[i].From >= r.From })
	if i == len(h.records) {
		h.records = append(h.records, Record{TLSRecord: r})
	}
	known := &h.records[i]
	switch {
	case known.From != r.From: // told after one behind it, which nobody does
	case e.Dir == trace.Out:
		known.Sent = e.At
	default:
		known.Received = e.At
	}
}

// Records are the TLS records that have any of the message's bytes; none where it
// went without TLS, or that was not told.
func (m *Message) Records() []Record { return m.half.recordsIn(m.From, m.To) }

// Records are the direction's TLS records that have any of the stream's bytes from
// from up to to.
func (h *Half) Records(from, to uint64) []Record { return h.half.recordsIn(from, to) }

func (h *half) recordsIn(from, to offset) []Record {
	i := sort.Search(len(h.records), func(i int) bool { return h.records[i].To > from })
	j := sort.Search(len(h.records), func(j int) bool { return h.records[j].From >= to })
	return h.records[i:max(i, j)]
}

// tlsHandshake is when what the end that opened the connection waits for was done;
// zero where that was not told.
type tlsHandshake struct {
	hello    time.Time // its hello was written
	answer   time.Time // the other's was read
	finished time.Time // it had written or read the last word: before TLS 1.3 that is the server's, where it does not resume
}

func (t *tlsHandshake) see(r trace.TLSRecord, e trace.Event) {
	switch {
	case r.Step == "":
	case r.Step == "finished":
		t.finished = later(t.finished, e.At)
	case t.hello.IsZero() && e.Dir == trace.Out:
		t.hello = e.At
	case t.answer.IsZero() && e.Dir == trace.In:
		t.answer = e.At
	}
}

// inTLS goes along the TLS handshake, as far as the end that opened the connection
// waits for it, and says whether there is one.
func (e *explanation) inTLS(t tlsHandshake) bool {
	if t.hello.IsZero() || t.finished.IsZero() {
		return false
	}
	e.to(Handshake, t.hello, "until TLS begins")
	e.to(Handshake, t.answer, "TLS: client hello, until the server's")
	e.to(Handshake, t.finished, "TLS: server hello to finished")
	return true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
