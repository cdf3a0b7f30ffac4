package experiment

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"strata/lab/report"
)

// versions are of what results depend on.
func versions() []report.Version {
	strata, gvisor := "(devel)", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			strata = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				strata = s.Value
			}
		}
		for _, d := range info.Deps {
			if d.Path == "gvisor.dev/gvisor" {
				gvisor = d.Version
			}
		}
	}
	return []report.Version{{Part: "strata", Version: strata}, {Part: "gvisor", Version: gvisor}, {Part: "go", Version: runtime.Version()}}
}

// build tells this program from every other: the beginning of its file's hash.
func build() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8]), nil
}
