package ladder

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"strata/trace"
)

// previewRunes is the most that is read of a text that a peer sent.
const previewRunes = 400

// describer puts events into words. What may come from a peer goes through
// its text or quote.
type describer struct{ ascii bool }

// words makes unstyled words of the fields of a text of our own.
func words(format string, args ...any) []word {
	var ws []word
	for _, f := range strings.Fields(fmt.Sprintf(format, args...)) {
		ws = append(ws, word{text: f})
	}
	return ws
}

// title begins what is said of an event: its name, which is not broken.
func title(name string, rest ...word) []word {
	return append([]word{{name, bold}}, rest...)
}

func (d describer) text(s string) string { return printable(s, d.ascii, previewRunes) }

// quote gives what a peer said, in quotation marks that JSON does not use.
func (d describer) quote(s string) word {
	g := glyphsFor(d.ascii)
	return word{g.open + d.text(s) + g.close, plain}
}

// describe is for every event that is not a segment of a connection that is
// followed.
func (d describer) describe(what trace.What) (head, more []word) {
	switch w := what.(type) {
	case trace.ARP:
		name, rest, _ := strings.Cut(d.text(w.String()), " ")
		return title(name, words("%s", rest)...), nil
	case trace.Datagram:
		name := strings.ToUpper(d.text(w.Proto))
		if w.Info != "" {
			name += " " + d.text(w.Info)
		}
		return title(name, word{text: fmt.Sprintf("len=%d", w.Len)}), nil
	case trace.Connection:
		head = title(d.text(w.State))
		if w.Cause != "" {
			head = append(head, words("(%s)", d.text(w.Cause))...)
		}
		if w.Sent|w.Received != 0 {
			head = append(head, words("%s out, %s in", size(w.Sent), size(w.Received))...)
		}
		return head, nil
	case trace.TLS:
		head = title(d.text(w.Version), word{text: d.text(w.CipherSuite)})
		if w.ServerName != "" {
			more = append(more, word{text: "sni=" + d.text(w.ServerName)})
		}
		if w.ALPN != "" {
			more = append(more, word{text: "alpn=" + d.text(w.ALPN)})
		}
		return head, more
	case trace.TLSRecord:
		name := "TLS " + d.text(w.Step)
		if w.Type == "alert" {
			name = "TLS alert: " + d.text(w.Step)
		}
		return title(name, word{text: fmt.Sprintf("len=%d", w.To-w.From)}), nil
	case trace.HTTP:
		return d.http(w)
	case trace.Frame:
		return d.frame(w)
	case trace.Engine:
		head = title("Engine.IO "+d.text(w.Type), words("over %s", d.text(w.Transport))...)
		if w.Len > 0 {
			head = append(head, word{text: fmt.Sprintf("len=%d", w.Len)})
		}
		switch w.Type { // in between it only repeats
		case "open", "upgrade", "close":
			if w.SID != "" {
				head = append(head, word{text: "sid=" + d.text(w.SID)})
			}
		}
		return head, nil
	case trace.Message:
		return d.message(w)
	}
	return []word{{text: d.text(what.String())}}, nil
}

func (d describer) http(h trace.HTTP) (head, more []word) {
	if h.Status != 0 {
		head = title(strings.TrimSpace(fmt.Sprintf("HTTP %d %s", h.Status, http.StatusText(h.Status))))
	} else {
		head = title("HTTP "+d.text(h.Method), word{text: d.text(h.Path)})
	}
	if h.Upgrade != "" {
		more = append(more, word{text: "Upgrade: " + d.text(h.Upgrade)})
	}
	if h.Key != "" {
		name := "Sec-WebSocket-Key: "
		if h.Status != 0 {
			name = "Sec-WebSocket-Accept: "
		}
		more = append(more, word{text: name + d.text(h.Key)})
	}
	return head, more
}

func (d describer) frame(f trace.Frame) (head, more []word) {
	head = title("WebSocket " + d.text(f.Opcode))
	if f.Fin {
		head = append(head, words("fin")...)
	}
	if f.RSV1 {
		head = append(head, words("compressed")...)
	}
	if f.Masked {
		head = append(head, words("masked")...)
	}
	head = append(head, words("len=%d", f.Len)...)
	if f.Code != 0 {
		head = append(head, words("code=%d", f.Code)...)
	}
	if f.Preview != "" {
		said := d.quote(f.Preview)
		isText := f.Opcode == "text" || f.Opcode == "continuation"
		if isText && !f.RSV1 && int64(len(f.Preview)) < f.Len { // it is the beginning
			said.text += glyphsFor(d.ascii).more
		}
		more = []word{said}
	}
	return head, more
}

func (d describer) message(m trace.Message) (head, more []word) {
	head = title("Socket.IO "+d.text(m.Type), word{text: d.text(m.Namespace)})
	if m.Event != "" {
		head = append(head, word{`"` + d.text(m.Event) + `"`, layerStyle(trace.Application)})
	}
	if m.ID != nil {
		head = append(head, word{text: "id=" + strconv.FormatInt(*m.ID, 10)})
	}
	switch m.Type { // in between it only repeats
	case "CONNECT", "DISCONNECT":
		if m.SID != "" && !strings.Contains(m.Preview, m.SID) {
			head = append(head, word{text: "sid=" + d.text(m.SID)})
		}
	}
	preview := m.Preview
	if rest, ok := strings.CutPrefix(preview, `["`+m.Event+`"`); ok && m.Event != "" { // the event's name was said
		preview = "[" + strings.TrimPrefix(rest, ",")
	}
	if preview != "" {
		more = []word{{text: d.text(preview)}}
	}
	return head, more
}

// segment puts a segment into words, given what it means.
func (d describer) segment(s trace.Segment, v verdict) (head, more []word) {
	head = title(s.Flags.String(), words("seq=%d", v.seq)...)
	if s.Flags&trace.ACK != 0 {
		head = append(head, words("ack=%d", v.ack)...)
	}
	head = append(head, words("win=%d len=%d", v.window, s.Len)...)
	switch v.mark {
	case ordinary:
	case keepAlive:
		head = append(head, word{text: v.mark.String()})
	default:
		head = append(head, word{v.mark.String(), alarm})
	}
	if v.window == 0 && s.Flags&(trace.RST|trace.SYN) == 0 {
		head = append(head, word{"zero window", alarm})
	}
	o := s.Options
	if !v.handshake { // there timestamps only repeat, and the others are not allowed
		o = trace.Options{}
	}
	o.SACK = nil
	more = words("%s", o.String())
	for _, b := range s.Options.SACK {
		more = append(more, words("sack=%d-%d", b[0]-v.ackBase, b[1]-v.ackBase)...)
	}
	return head, more
}
