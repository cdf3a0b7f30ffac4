//go:build !linux

package netns

import (
	"errors"
	"fmt"
	"runtime"
)

// Do runs f. Only Linux has network namespaces: a name is an error that
// answers [errors.ErrUnsupported].
func Do(name string, f func() error) error {
	if name != "" {
		return fmt.Errorf("network namespace %q: %s has none: %w", name, runtime.GOOS, errors.ErrUnsupported)
	}
	return f()
}
