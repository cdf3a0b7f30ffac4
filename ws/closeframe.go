package ws

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxReason is what is left of a control frame's payload after the status code.
const maxReason = maxControl - 2

// closePayload is the payload of a close frame (RFC 6455 §5.5.1). A reason that
// is too long is cut between two characters: reasons are often the text of an
// error, and none is worth failing to close for.
func closePayload(code StatusCode, reason string) ([]byte, error) {
	if code == StatusNoStatusRcvd && reason == "" {
		return nil, nil
	}
	if !code.onWire() {
		return nil, fmt.Errorf("ws: close: status code %d cannot be sent; use 1000 to 1003, 1007 to 1014, or 3000 to 4999", int(code))
	}
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) > maxReason {
		cut := maxReason
		for !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...), nil
}

// parseClosePayload reads the payload of a close frame (RFC 6455 §5.5.1, §7.4).
func parseClosePayload(p []byte) (CloseError, *ProtocolError) {
	switch len(p) {
	case 0:
		return CloseError{Code: StatusNoStatusRcvd}, nil
	case 1:
		return CloseError{}, violation(StatusProtocolError, "a close frame with a payload of one byte")
	}
	code := StatusCode(binary.BigEndian.Uint16(p))
	if !code.onWire() {
		return CloseError{}, violation(StatusProtocolError, "a close frame with status code %d", int(code))
	}
	if !utf8.Valid(p[2:]) {
		return CloseError{}, violation(StatusInvalidFramePayloadData, "a close frame whose reason is not UTF-8")
	}
	return CloseError{Code: code, Reason: string(p[2:])}, nil
}
