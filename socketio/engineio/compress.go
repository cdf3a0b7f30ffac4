package engineio

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// compress is the body of a poll's answer as the client is to get it, with the
// header that says so.
func (s *Server) compress(h http.Header, r *http.Request, packets []Outgoing, body []byte) []byte {
	if s.opts.CompressHTTP < 0 || len(body) < s.opts.CompressHTTP ||
		!slices.ContainsFunc(packets, func(p Outgoing) bool { return !p.plain }) {
		return body
	}
	coding := acceptedCoding(r.Header.Get("Accept-Encoding"))
	if coding == "" {
		return body
	}
	var out bytes.Buffer
	if coding == "gzip" {
		squeeze(&gzips, &out, body)
	} else {
		squeeze(&flates, &out, body)
	}
	h.Set("Content-Encoding", coding)
	return out.Bytes()
}

// acceptedCoding is the one of ours that a client accepts (RFC 9110 §12.5.3),
// "" where it is none.
func acceptedCoding(header string) string {
	found := ""
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if q := strings.TrimSpace(params); strings.HasPrefix(q, "q=0") && strings.Trim(q[3:], ".0") == "" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "*":
			return "gzip"
		case "deflate":
			found = "deflate"
		}
	}
	return found
}

type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

var (
	gzips  = sync.Pool{New: func() any { return compressor(gzip.NewWriter(nil)) }}
	flates = sync.Pool{New: func() any {
		w, err := zlib.NewWriterLevel(io.Discard, flate.DefaultCompression)
		if err != nil {
			panic(err) // the level is a constant
		}
		return compressor(w)
	}}
)

func squeeze(pool *sync.Pool, out *bytes.Buffer, body []byte) {
	w := pool.Get().(compressor)
	defer pool.Put(w)
	w.Reset(out)
	_, _ = w.Write(body) // to memory
	_ = w.Close()
}
