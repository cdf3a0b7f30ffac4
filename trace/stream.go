package trace

import "fmt"

// Stream is a part of a connection's byte stream that a program has written
// ([Out]) or read ([In]): the bytes from From up to To, counted from 0 for the
// first behind the SYN. What the layers above told of this connection and
// direction since the last one lies in it: before it for what was written,
// after it for what was read.
type Stream struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`

	// TLS is set where From is 0 and what was written begins a TLS handshake:
	// the bytes are TLS records then (RFC 8446 §5.1), and not what the layers
	// above have told.
	TLS bool `json:"tls,omitempty"`
}

// Layer is Transport.
func (Stream) Layer() Layer { return Transport }

// Kind is "stream".
func (Stream) Kind() string { return "stream" }

// String is like "bytes 120 to 1580".
func (s Stream) String() string { return fmt.Sprintf("bytes %d to %d", s.From, s.To) }
