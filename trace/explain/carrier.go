package explain

import "strata/trace"

// carrier finds which bytes of a stream a message is. The floors above tell of
// it before they write it, so that it lies in what is written then: a frame, of
// which it is known how long it is, exactly there, or in the TLS records that
// have its bytes; an HTTP message in all that is written until the next message.
type carrier struct {
	half    *half
	waiting []*carried
	open    *carried // is of unknown length, and was given what was written last
}

// carried is a message, or one frame of one, that has bytes of the stream.
type carried struct {
	message *Message
	size    uint64 // without TLS; 0 is not known
	given   uint64 // of them
}

// recordOverhead is what TLS 1.3 adds to what is written at a time: a record's
// header, the content type, the tag (RFC 8446 §5.2). Earlier versions add up to
// 7 bytes more, which makes a message of many records seem to end in the last but
// one, at worst.
const recordOverhead = 5 + 1 + 16

// told takes a message that will be written.
func (c *carrier) told(m *Message, size uint64) {
	c.open = nil
	c.waiting = append(c.waiting, &carried{message: m, size: size})
}

// wrote takes bytes that were written.
func (c *carrier) wrote(s span) {
	if c.open != nil {
		c.open.message.extend(s)
		return
	}
	left := s.to - s.from // bytes of messages
	if c.half.tls {
		left -= min(left, recordOverhead)
	}
	for at := s.from; len(c.waiting) > 0 && left > 0; {
		first := c.waiting[0]
		if first.size == 0 {
			first.message.extend(span{at, s.to})
			c.waiting = c.waiting[1:]
			if len(c.waiting) == 0 {
				c.open = first
				return
			}
			continue // those that were told of before this was written share it
		}
		n := min(first.size-first.given, left)
		left -= n
		if first.given += n; first.given == first.size {
			c.waiting = c.waiting[1:]
		}
		if c.half.tls {
			first.message.extend(s)
			continue
		}
		first.message.extend(span{at, at + n})
		at += n
	}
}

// end forgets what was never written.
func (c *carrier) end() { c.waiting, c.open = nil, nil }

func (s *Story) stream(e trace.Event, st trace.Stream) {
	h := s.of(e)
	if h == nil {
		return
	}
	sp := stretch{e.At, span{st.From, st.To}}
	if e.Dir == trace.In {
		h.read = append(h.read, sp)
		return
	}
	h.tls = h.tls || st.TLS
	h.written = append(h.written, sp)
	h.carrier.wrote(sp.span)
}
