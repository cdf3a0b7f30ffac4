package trace

import (
	"fmt"
	"strings"
	"time"
)

// TLS is a finished TLS handshake.
type TLS struct {
	Version     string `json:"version"` // "TLS 1.3"
	CipherSuite string `json:"cipherSuite"`
	ServerName  string `json:"serverName,omitempty"`
	ALPN        string `json:"alpn,omitempty"`
}

// Layer is Presentation.
func (TLS) Layer() Layer { return Presentation }

// Kind is "tls".
func (TLS) Kind() string { return "tls" }

// String is like "TLS 1.3 TLS_AES_128_GCM_SHA256 alpn=h2".
func (t TLS) String() string {
	s := t.Version + " " + t.CipherSuite
	if t.ALPN != "" {
		s += " alpn=" + t.ALPN
	}
	return s
}

// HTTP is a request (Status 0) or a response (Method empty) at the moment it
// was read or written. A WebSocket's handshake (RFC 6455 §4) is one with
// Upgrade set.
type HTTP struct {
	Method  string `json:"method,omitempty"`
	Path    string `json:"path,omitempty"` // path and query
	Status  int    `json:"status,omitempty"`
	Upgrade string `json:"upgrade,omitempty"` // "websocket" in a WebSocket's handshake
	Key     string `json:"key,omitempty"`     // Sec-WebSocket-Key of the request, -Accept of the response
}

// Layer is Session: it opens the conversation.
func (HTTP) Layer() Layer { return Session }

// Kind is "http".
func (HTTP) Kind() string { return "http" }

// String is like "GET /echo upgrade=websocket" or "101 upgrade=websocket".
func (h HTTP) String() string {
	s := h.Method + " " + h.Path
	if h.Status != 0 {
		s = fmt.Sprintf("HTTP %d", h.Status)
	}
	if h.Upgrade != "" {
		s += " upgrade=" + h.Upgrade
	}
	if h.Key != "" {
		s += " key=" + h.Key
	}
	return s
}

// Frame is a WebSocket frame (RFC 6455 §5.2).
type Frame struct {
	Opcode  string `json:"opcode"` // "continuation", "text", "binary", "close", "ping", "pong"
	Fin     bool   `json:"fin"`
	RSV1    bool   `json:"rsv1,omitempty"` // compressed (RFC 7692 §6)
	Masked  bool   `json:"masked"`
	Len     int64  `json:"len"`            // payload, bytes
	Code    int    `json:"code,omitempty"` // of a close frame
	Preview string `json:"preview,omitempty"`
}

// Size is what the frame takes in the stream, bytes: header and payload (RFC 6455
// §5.2).
func (f Frame) Size() uint64 {
	n := uint64(2)
	switch {
	case f.Len > 0xffff:
		n += 8
	case f.Len > 125:
		n += 2
	}
	if f.Masked {
		n += 4
	}
	return n + uint64(f.Len)
}

// Layer is Presentation.
func (Frame) Layer() Layer { return Presentation }

// Kind is "frame".
func (Frame) Kind() string { return "frame" }

// String is like `text fin masked len=5 "hello"`.
func (f Frame) String() string {
	var b strings.Builder
	b.WriteString("ws " + f.Opcode)
	if f.Fin {
		b.WriteString(" fin")
	}
	if f.RSV1 {
		b.WriteString(" rsv1")
	}
	if f.Masked {
		b.WriteString(" masked")
	}
	fmt.Fprintf(&b, " len=%d", f.Len)
	if f.Code != 0 {
		fmt.Fprintf(&b, " code=%d", f.Code)
	}
	if f.Preview != "" {
		fmt.Fprintf(&b, " %q", f.Preview)
	}
	return b.String()
}

// Engine is an Engine.IO packet or change of transport.
type Engine struct {
	Type      string `json:"type"`          // "open", "close", "ping", "pong", "message", "upgrade", "noop"
	SID       string `json:"sid,omitempty"` // of the session
	Transport string `json:"transport"`     // "polling", "websocket"
	Len       int    `json:"len"`           // data, bytes
}

// Layer is Session.
func (Engine) Layer() Layer { return Session }

// Kind is "engine".
func (Engine) Kind() string { return "engine" }

// String is like "engine.io open polling".
func (e Engine) String() string {
	return fmt.Sprintf("engine.io %s over %s", e.Type, e.Transport)
}

// Message is a Socket.IO packet: what the application says. One that goes out is
// told when it is handed to the Engine.IO session, in the order in which that
// sends.
type Message struct {
	Type      string `json:"type"`         // "CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"
	Namespace string `json:"nsp"`          // "/"
	ID        *int64 `json:"id,omitempty"` // of the ack that is asked for or given
	SID       string `json:"sid,omitempty"`
	Event     string `json:"event,omitempty"`   // its name
	Preview   string `json:"preview,omitempty"` // how its payload begins, and "…" where there is more

	Session string        `json:"session,omitempty"` // the Engine.IO session's SID
	Packets int           `json:"packets,omitempty"` // of Engine.IO: 1, and one for each binary attachment
	Waited  time.Duration `json:"waited,omitempty"`  // since it was emitted: a client keeps events until it is connected; nanoseconds
}

// Layer is Application.
func (Message) Layer() Layer { return Application }

// Kind is "message".
func (Message) Kind() string { return "message" }

// String is like `EVENT / "chat message" ["hello"]`.
func (m Message) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "socket.io %s %s", m.Type, m.Namespace)
	if m.Event != "" {
		fmt.Fprintf(&b, " %q", m.Event)
	}
	if m.ID != nil {
		fmt.Fprintf(&b, " id=%d", *m.ID)
	}
	if m.Preview != "" {
		b.WriteString(" " + m.Preview)
	}
	return b.String()
}
