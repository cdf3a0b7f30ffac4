package engineio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Handshake is what the first request of a session said.
type Handshake struct {
	Time       time.Time
	Method     string
	URL        *url.URL
	Host       string // the Host header
	Header     http.Header
	RemoteAddr string // "address:port", as in http.Request
	Secure     bool   // it came over TLS
}

// Query are the parameters of the URL.
func (h *Handshake) Query() url.Values { return h.URL.Query() }

func newHandshake(r *http.Request) *Handshake {
	return &Handshake{
		Time: time.Now(), Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header,
		RemoteAddr: r.RemoteAddr, Secure: r.TLS != nil,
	}
}

// openData is the payload of an open packet
// (https://socket.io/docs/v4/engine-io-protocol/#handshake). Times are in
// milliseconds.
type openData struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int64    `json:"pingInterval"`
	PingTimeout  int64    `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

func (d openData) packet() Outgoing {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers
	}
	return outgoingPacket(packetOpen, string(data))
}
