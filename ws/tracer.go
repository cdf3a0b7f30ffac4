package ws

import (
	"encoding/binary"
	"net"
	"net/http"
	"strings"
	"time"

	"strata/trace"
)

// maxPreview is how much of a text the trace shows, bytes.
const maxPreview = 32

// tracer tells a recorder of one connection. A nil one does nothing.
type tracer struct {
	recorder trace.Recorder
	host     string
	now      func() time.Time
	flow     trace.Flow

	// A text frame that is coming is told when its preview is there; whoever
	// has the connection's reading gate.
	event   trace.Event
	pending trace.Frame
	want    int // bytes of preview that are still to come
	preview []byte
}

func newTracer(r trace.Recorder, host string, now func() time.Time, conn net.Conn) *tracer {
	if r == nil {
		return nil
	}
	return &tracer{recorder: r, host: host, now: now, flow: trace.FlowOf(conn.LocalAddr(), conn.RemoteAddr())}
}

// awake says whether the recorder wants to be told, before an event is made.
func (t *tracer) awake() bool { return t != nil && trace.Wants(t.recorder, t.flow, trace.Outline) }

func (t *tracer) eventNow(dir trace.Direction) trace.Event {
	return trace.Event{At: t.now(), Host: t.host, Dir: dir, Flow: t.flow}
}

func (t *tracer) record(e trace.Event, what trace.What) {
	e.What = what
	t.recorder.Record(e)
}

// request tells of the request that asks for the upgrade; over HTTP/2 there is no
// key.
func (t *tracer) request(dir trace.Direction, method, path, key string) {
	if !t.awake() {
		return
	}
	t.record(t.eventNow(dir), trace.HTTP{Method: method, Path: path, Upgrade: "websocket", Key: key})
}

// response tells of the answer to it.
func (t *tracer) response(dir trace.Direction, status int, accept string) {
	if !t.awake() {
		return
	}
	h := trace.HTTP{Status: status, Key: accept}
	if status == http.StatusSwitchingProtocols {
		h.Upgrade = "websocket"
	}
	t.record(t.eventNow(dir), h)
}

// frameOut tells of a frame before it is written, so that it comes before what
// the floors below tell of it, and before the peer's receipt.
func (t *tracer) frameOut(h header, p []byte) {
	if !t.awake() {
		return
	}
	f := traceFrame(h)
	switch h.opcode {
	case opClose:
		f.Code, f.Preview = closeFields(p)
	case opText:
		if h.rsv == 0 {
			f.Preview = previewOf(p)
		}
	}
	t.record(t.eventNow(trace.Out), f)
}

// frameIn tells of a frame whose header, and for a control frame payload, has
// come. message is the type of the message that a data frame belongs to; of a
// compressed one there is no preview.
func (t *tracer) frameIn(f frame, message opcode, compressed bool) {
	if !t.awake() {
		return
	}
	e, tf := t.eventNow(trace.In), traceFrame(f.header)
	switch {
	case f.opcode == opClose:
		tf.Code, tf.Preview = closeFields(f.payload)
	case !f.opcode.isControl() && message == opText && !compressed && f.length > 0:
		t.event, t.pending = e, tf
		t.want, t.preview = int(min(f.length, maxPreview)), nil
		return
	}
	t.record(e, tf)
}

// payloadIn is given payload, unmasked.
func (t *tracer) payloadIn(p []byte) {
	if t == nil || t.want == 0 {
		return
	}
	p = p[:min(len(p), t.want)]
	t.preview = append(t.preview, p...)
	if t.want -= len(p); t.want == 0 {
		t.pending.Preview = previewOf(t.preview)
		t.record(t.event, t.pending)
	}
}

func traceFrame(h header) trace.Frame {
	return trace.Frame{Opcode: h.opcode.String(), Fin: h.fin, RSV1: h.rsv&0x40 != 0, Masked: h.masked, Len: h.length}
}

// previewOf is the beginning of a text, without a character that is cut.
func previewOf(p []byte) string {
	return strings.ToValidUTF8(string(p[:min(len(p), maxPreview)]), "")
}

func closeFields(p []byte) (code int, reason string) {
	if len(p) < 2 {
		return 0, ""
	}
	return int(binary.BigEndian.Uint16(p)), previewOf(p[2:])
}
