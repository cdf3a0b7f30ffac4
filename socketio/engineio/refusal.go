package engineio

import (
	"encoding/json"
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

// write answers the request: JSON, or for a WebSocket, whose client cannot see
// a body's type, plain words.
func (no *refusal) write(w http.ResponseWriter, upgrade bool) int {
	if upgrade {
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", strconv.Itoa(len(no.Message)))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, no.Message)
		return http.StatusBadRequest
	}
	body, err := json.Marshal(no)
	if err != nil {
		panic(err) // a number and a string
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body)
	return http.StatusBadRequest
}
