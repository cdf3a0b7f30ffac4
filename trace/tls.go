package trace

import "fmt"

// TLSRecord is a record of the TLS record layer (RFC 8446 §5.1), as it is seen from
// outside, without keys: told when its last byte was written ([Out]) or read
// ([In]).
type TLSRecord struct {
	Type string `json:"type"` // "handshake", "change cipher spec", "alert" or "application data"
	From uint64 `json:"from"` // its place in the connection's stream, header included; see Stream
	To   uint64 `json:"to"`

	// Step is what it does in the handshake: "client hello", "server hello",
	// "hello retry request", "certificate", … as far as that can be read, more
	// than one with commas; "encrypted handshake" where it cannot, and "finished",
	// which ends an end's part. Empty behind the handshake. Of an alert it is
	// which.
	//
	// In TLS 1.3 what a server sends encrypted before the client does belongs to
	// the handshake (but for data that does not wait for it), and "finished" is
	// the client's first encrypted record; where the client shows a certificate
	// that comes first (RFC 8446 §4.4), and early data before all of it.
	Step string `json:"step,omitempty"`
}

// Layer is Presentation.
func (TLSRecord) Layer() Layer { return Presentation }

// Kind is "record".
func (TLSRecord) Kind() string { return "record" }

// String is like "TLS client hello, 252 bytes" or "TLS application data, 93 bytes".
func (r TLSRecord) String() string {
	what := r.Type
	switch {
	case r.Step != "" && r.Type == "alert":
		what += " " + r.Step
	case r.Step != "":
		what = r.Step
	}
	return fmt.Sprintf("TLS %s, %d bytes", what, r.To-r.From)
}
