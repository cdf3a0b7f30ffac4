package netnstests

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Headless Chromium: the chat page in two tabs, which hear each other, see that
// the server goes, and ask nobody else for anything.
func TestBrowser(t *testing.T) {
	need(t, root, tunDevice, program("ip", "chromium"), npm)
	for _, tt := range []struct {
		name, folder string
		args         []string
	}{
		{"http", "http", nil},
		{"https", "https", []string{"--tls"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, newNamespace(t), tt.args...)
			tls := ""
			if s.ready.Fingerprint != "" {
				tls = "tls"
			}
			folder := shots(t, tt.folder)
			browser := s.ns.node(t, "page.mjs", s.url(), folder, tls)
			saw := report[struct {
				Texts, Asked, Complaints []string
				Shown                    [][]string
			}](t, browser, "chatted")

			require.Len(t, saw.Shown, 2, "tabs")
			for _, lines := range saw.Shown {
				require.Len(t, lines, len(saw.Texts), "a line a message, no more")
				for i, text := range saw.Texts {
					require.Contains(t, lines[i], text, "as it was typed")
				}
			}
			require.Empty(t, saw.Complaints, "in the tabs' consoles")
			home, err := url.Parse(s.url())
			require.NoError(t, err)
			require.NotEmpty(t, saw.Asked)
			for _, asked := range saw.Asked {
				u, err := url.Parse(asked)
				require.NoError(t, err)
				if u.Scheme != "data" {
					require.Equal(t, home.Host, u.Host, "asked for %s", asked)
				}
			}
			for _, name := range []string{"chat-tab-1.png", "chat-tab-2.png"} {
				info, err := os.Stat(filepath.Join(folder, name))
				require.NoError(t, err)
				require.Positive(t, info.Size(), "a screenshot")
			}

			s.stop(t)
			report[struct{}](t, browser, "lost")
			require.Equal(t, 0, browser.exit(t))
		})
	}
}

// shots is where screenshots go: below STRATA_SHOTS, where somebody looks at
// them, or nowhere for long.
func shots(t testing.TB, name string) string {
	t.Helper()
	keep := os.Getenv("STRATA_SHOTS")
	if keep == "" {
		return t.TempDir()
	}
	folder := filepath.Join(keep, name)
	require.NoError(t, os.MkdirAll(folder, 0o755))
	return folder
}
