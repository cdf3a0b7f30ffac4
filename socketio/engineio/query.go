package engineio

import "net/url"

// query is what the query string of a request says to us.
type query struct {
	transport Transport // "" where it names none that we know
	sid       string    // "" in a handshake
	hasSID    bool
	version   string // EIO
	textOnly  bool   // b64: binary goes as base64 wherever else it would not
	isJSONP   bool   // j: the answer is to be a script
	jsonp     string // j
}

// parseQuery reads a query string. A parameter that is given twice names
// nothing: whoever sends one to confuse us is refused, not guessed at
// (CVE-2023-31125).
func parseQuery(raw string) query {
	values, _ := url.ParseQuery(raw) // what cannot be read is not there
	single := func(name string) string {
		if len(values[name]) == 1 {
			return values[name][0]
		}
		return ""
	}
	q := query{
		sid:      single("sid"),
		hasSID:   len(values["sid"]) > 1 || single("sid") != "",
		version:  single("EIO"),
		textOnly: values.Has("b64"),
		isJSONP:  values.Has("j"),
		jsonp:    single("j"),
	}
	switch t := Transport(single("transport")); t {
	case Polling, WebSocket, WebTransport:
		q.transport = t
	}
	return q
}
