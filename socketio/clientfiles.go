package socketio

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// clientFiles serves the official client for browsers. nil serves nothing.
type clientFiles struct {
	dir fs.FS

	mu    sync.Mutex
	files map[string]*clientFile // that were asked for
}

type clientFile struct {
	data, zipped []byte
	etag         string
}

func newClientFiles(dir fs.FS) *clientFiles {
	if dir == nil {
		return nil
	}
	return &clientFiles{dir: dir, files: map[string]*clientFile{}}
}

// isClientFile reports whether a name is one of the official ones, with their
// maps: nothing else of the folder is served.
func isClientFile(name string) bool {
	switch strings.TrimSuffix(name, ".map") {
	case "socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js", "socket.io.esm.min.js":
		return true
	}
	return false
}

// serve answers a request for one of the files, and reports whether it was one.
func (c *clientFiles) serve(w http.ResponseWriter, r *http.Request) bool {
	name := path.Base(r.URL.Path)
	if c == nil || !isClientFile(name) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	f := c.file(name)
	if f == nil {
		http.NotFound(w, r)
		return true
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if match := r.Header.Get("If-None-Match"); match == f.etag || match == "W/"+f.etag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	h.Set("Content-Type", "application/javascript; charset=utf-8")
	if strings.HasSuffix(name, ".map") {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	body := f.data
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
	return true
}

func (c *clientFiles) file(name string) *clientFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[name]; f != nil {
		return f
	}
	data, err := fs.ReadFile(c.dir, name)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(data)
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write(data) // to memory
	_ = zip.Close()
	f := &clientFile{data, zipped.Bytes(), `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	c.files[name] = f
	return f
}
