package engineio

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// refusal is why a request is not served: the code and the words of the
// official server.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

var (
	unknownTransport   = &refusal{0, "Transport unknown"}
	unknownSID         = &refusal{1, "Session ID unknown"}
	badHandshakeMethod = &refusal{2, "Bad handshake method"}
	badRequest         = &refusal{3, "Bad request"}
	unsupportedVersion = &refusal{5, "Unsupported protocol version"}
)

// forbidden is code 4.
func forbidden(err error) *refusal { return &refusal{4, err.Error()} }

// status is 403 for what somebody decided, 400 for what cannot be.
func (no *refusal) status() int {
	if no.Code == 4 {
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// ConnectionError is a request that was refused.
type ConnectionError struct {
	Request *http.Request
	Code    int    // 0 to 5, as in the protocol's documentation
	Message string // "Session ID unknown"
	Context string // more about it, like "PROTOCOL_MISMATCH"; may be empty
}

// Error is like `engine.io: request refused: 1 Session ID unknown`.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("engine.io: request refused: %d %s", e.Code, e.Message)
}

// write answers the request: JSON, or for a WebSocket, whose client cannot see
// a body's type, plain words.
func (no *refusal) write(w http.ResponseWriter, upgrade bool) {
	if upgrade {
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", strconv.Itoa(len(no.Message)))
		w.WriteHeader(no.status())
		_, _ = io.WriteString(w, no.Message)
		return
	}
	body, err := json.Marshal(no)
	if err != nil {
		panic(err) // a number and a string
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(no.status())
	_, _ = w.Write(body)
}
