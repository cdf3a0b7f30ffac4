package page

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"strings"

	"strata/trace/explain"
)

// DefaultLimit is how many packets a page shows by default.
const DefaultLimit = 100_000

// Options of a page. The zero value works.
type Options struct {
	Title string // of the page; empty: "Why was it late?"

	// Limit is how many packets there are at most, and how many messages and
	// other events: the first of each, and the page says how many were left out.
	// 0 is DefaultLimit.
	Limit int
}

//go:embed assets
var assets embed.FS

// scripts are the page's, in the order in which they run. They share one scope.
var scripts = []string{
	"story.js", "format.js", "theme.js", "view.js", "draw.js", "lanes.js", "wires.js", "strips.js",
	"chart.js", "panel.js", "input.js", "main.js",
}

// Write makes the page of a story. The error is that of w.
func Write(w io.Writer, story *explain.Story, o Options) error {
	return write(w, tell(story, o), o)
}

// WriteFile is Write into a file, which is made, or replaced where it is there.
func WriteFile(path string, story *explain.Story, o Options) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := Write(f, story, o); err != nil {
		f.Close()
		return fmt.Errorf("page: %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("page: %s: %w", path, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

func write(w io.Writer, d *data, o Options) error {
	if o.Title == "" {
		o.Title = "Why was it late?"
	}
	told, err := pack(d)
	if err != nil {
		return err
	}
	style, script := asset("page.css"), program()
	parts := strings.NewReplacer(
		"{{title}}", html.EscapeString(o.Title),
		"{{policy}}", policy(style, script),
		"{{style}}", style,
		"{{data}}", told,
		"{{script}}", script,
	)
	out := bufio.NewWriter(w)
	if _, err := parts.WriteString(out, asset("page.html")); err != nil {
		return err
	}
	return out.Flush()
}

// pack writes the data as the page's script reads it: JSON, compressed to about a
// fifth, in base64. So nothing that a peer has said can end the element that it
// is in.
func pack(d *data) (string, error) {
	var b strings.Builder
	text := base64.NewEncoder(base64.StdEncoding, &b)
	small := gzip.NewWriter(text)
	if err := json.NewEncoder(small).Encode(d); err != nil {
		return "", err
	}
	if err := errors.Join(small.Close(), text.Close()); err != nil {
		return "", err
	}
	return b.String(), nil
}

// program is all of the page's script.
func program() string {
	var b strings.Builder
	b.WriteString("(async () => {\n\"use strict\";\n")
	for _, name := range scripts {
		b.WriteString(asset(name))
	}
	b.WriteString("})();\n")
	return b.String()
}

// policy lets the one style and the one script be, and nothing be fetched
// (https://www.w3.org/TR/CSP3/).
func policy(style, script string) string {
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'",
		digest(style), digest(script))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func asset(name string) string {
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(b)
}
