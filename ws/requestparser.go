package ws

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// requestParser reads the head of an HTTP/1.1 request (RFC 9112 §3, §5) from a
// buffer that grows. It takes lines that end with CRLF only, and no line that is
// folded. It does no input or output.
type requestParser struct {
	maxLine, maxHeaders int

	request *http.Request
	at      int // before here the buffer is parsed
	scanned int // before here there is no end of line
	headers int
}

// parse goes on with a request of which b has the bytes so far. When it is done
// it says where in b the request ends.
func (p *requestParser) parse(b []byte) (end int, done bool, no *refusal) {
	for {
		n := bytes.IndexByte(b[p.scanned:], '\n')
		if n < 0 {
			p.scanned = len(b)
			if len(b)-p.at > p.maxLine {
				return 0, false, p.tooLong()
			}
			return 0, false, nil
		}
		line := b[p.at : p.scanned+n]
		p.at = p.scanned + n + 1
		p.scanned = p.at
		line, ok := bytes.CutSuffix(line, []byte("\r"))
		switch {
		case !ok || bytes.IndexByte(line, '\r') >= 0:
			return 0, false, refuse(http.StatusBadRequest, "a line of the request does not end with CRLF")
		case len(line) > p.maxLine:
			return 0, false, p.tooLong()
		case p.request == nil:
			no = p.requestLine(string(line))
		case len(line) == 0:
			return p.at, true, p.finish()
		default:
			no = p.header(string(line))
		}
		if no != nil {
			return 0, false, no
		}
	}
}

func (p *requestParser) tooLong() *refusal {
	if p.request == nil {
		return refuse(http.StatusRequestURITooLong, "the request's first line has more than %d bytes", p.maxLine)
	}
	return refuse(http.StatusRequestHeaderFieldsTooLarge, "a header has more than %d bytes", p.maxLine)
}

// requestLine is the first line (RFC 9112 §3).
func (p *requestParser) requestLine(line string) *refusal {
	method, rest, _ := strings.Cut(line, " ")
	target, proto, ok := strings.Cut(rest, " ")
	major, minor, okProto := http.ParseHTTPVersion(proto)
	if !ok || !okProto || !isToken(method) || !printable(target, ' ') {
		return refuse(http.StatusBadRequest, "the request's first line is %.40q", line)
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return refuse(http.StatusBadRequest, "the request's target is %.40q", target)
	}
	p.request = &http.Request{
		Method: method, URL: u, RequestURI: target, Proto: proto, ProtoMajor: major, ProtoMinor: minor,
		Header: make(http.Header), Body: http.NoBody,
	}
	return nil
}

// header is a field line (RFC 9112 §5).
func (p *requestParser) header(line string) *refusal {
	if p.headers++; p.headers > p.maxHeaders {
		return refuse(http.StatusRequestHeaderFieldsTooLarge, "the request has more than %d headers", p.maxHeaders)
	}
	name, value, ok := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	if !ok || !isToken(name) || !printable(value, '\t') {
		return refuse(http.StatusBadRequest, "a header is %.40q", line)
	}
	name = http.CanonicalHeaderKey(name)
	p.request.Header[name] = append(p.request.Header[name], value)
	return nil
}

// printable reports whether s has no control characters, and no blanks but space
// or tab where one of them is allowed: space implies none, tab both.
func printable(s string, blank byte) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == 0x7F, c < ' ' && (c != '\t' || blank != '\t'), c == ' ' && blank == ' ':
			return false
		}
	}
	return s != "" || blank == '\t'
}

// finish is the end of the head.
func (p *requestParser) finish() *refusal {
	r := p.request
	hosts := r.Header["Host"]
	if len(hosts) > 1 {
		return refuse(http.StatusBadRequest, "%d Host headers", len(hosts))
	}
	if len(hosts) == 1 {
		r.Host = hosts[0]
		delete(r.Header, "Host")
	}
	if r.URL.Host != "" {
		r.Host = r.URL.Host // the absolute form (RFC 9112 §3.2.2)
	}
	if len(r.Header["Transfer-Encoding"]) > 0 {
		r.ContentLength = -1
	}
	for _, v := range r.Header["Content-Length"] {
		n, err := strconv.ParseInt(v, 10, 63)
		if err != nil || n < 0 {
			return refuse(http.StatusBadRequest, "Content-Length is %.40q", v)
		}
		r.ContentLength = max(r.ContentLength, n)
	}
	return nil
}
