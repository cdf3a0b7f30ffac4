package ws

import (
	"errors"
	"fmt"
	"strconv"
)

// StatusCode is why a connection is closed (RFC 6455 §7.4).
type StatusCode int

// The status codes of RFC 6455 §7.4.1 and of the registry it founded (§11.7).
// Applications have 4000 to 4999 for themselves, libraries and frameworks
// register 3000 to 3999.
const (
	StatusNormalClosure           StatusCode = 1000
	StatusGoingAway               StatusCode = 1001
	StatusProtocolError           StatusCode = 1002
	StatusUnsupportedData         StatusCode = 1003
	StatusNoStatusRcvd            StatusCode = 1005 // never on the wire: the close frame was empty
	StatusAbnormalClosure         StatusCode = 1006 // never on the wire: there was no close frame
	StatusInvalidFramePayloadData StatusCode = 1007
	StatusPolicyViolation         StatusCode = 1008
	StatusMessageTooBig           StatusCode = 1009
	StatusMandatoryExtension      StatusCode = 1010
	StatusInternalError           StatusCode = 1011
	StatusServiceRestart          StatusCode = 1012
	StatusTryAgainLater           StatusCode = 1013
	StatusBadGateway              StatusCode = 1014
	StatusTLSHandshake            StatusCode = 1015 // never on the wire: the TLS handshake failed
)

// String is the code's meaning, "normal closure", or its number where it has
// none that is registered.
func (c StatusCode) String() string {
	switch c {
	case StatusNormalClosure:
		return "normal closure"
	case StatusGoingAway:
		return "going away"
	case StatusProtocolError:
		return "protocol error"
	case StatusUnsupportedData:
		return "unsupported data"
	case StatusNoStatusRcvd:
		return "no status received"
	case StatusAbnormalClosure:
		return "abnormal closure"
	case StatusInvalidFramePayloadData:
		return "invalid frame payload data"
	case StatusPolicyViolation:
		return "policy violation"
	case StatusMessageTooBig:
		return "message too big"
	case StatusMandatoryExtension:
		return "mandatory extension"
	case StatusInternalError:
		return "internal error"
	case StatusServiceRestart:
		return "service restart"
	case StatusTryAgainLater:
		return "try again later"
	case StatusBadGateway:
		return "bad gateway"
	case StatusTLSHandshake:
		return "TLS handshake"
	}
	return "status " + strconv.Itoa(int(c))
}

// onWire reports whether c may be in a close frame (RFC 6455 §7.4.2, and the
// registry for 1012 to 1014).
func (c StatusCode) onWire() bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014:
		return true
	}
	return c >= 3000 && c <= 4999
}

// CloseError is what Read returns when the peer closed the connection with a
// close frame. Find it with errors.As, or its code with [CloseStatus].
type CloseError struct {
	Code   StatusCode // StatusNoStatusRcvd where the close frame was empty
	Reason string     // UTF-8, at most 123 bytes; usually empty
}

// Error is like `closed by the peer: 1001 going away: "bye"`.
func (e CloseError) Error() string {
	s := fmt.Sprintf("closed by the peer: %d %v", int(e.Code), e.Code)
	if e.Reason != "" {
		s += fmt.Sprintf(": %q", e.Reason)
	}
	return s
}

// CloseStatus is the code of the peer's close frame, or -1 where err is not (and
// does not wrap) a [CloseError].
func CloseStatus(err error) StatusCode {
	var ce CloseError
	if errors.As(err, &ce) {
		return ce.Code
	}
	return -1
}

// ProtocolError is what Read returns when the peer broke the protocol or a
// limit of ours, and the connection was failed for it (RFC 6455 §7.1.7).
type ProtocolError struct {
	Code   StatusCode // what the peer was told
	Reason string     // what it did
}

// Error is like "protocol error (1002): a frame from the client is not masked".
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("%v (%d): %s", e.Code, int(e.Code), e.Reason)
}

func violation(code StatusCode, format string, args ...any) *ProtocolError {
	return &ProtocolError{Code: code, Reason: fmt.Sprintf(format, args...)}
}
