//go:build !linux

package serve

import (
	"errors"
)

// NeedsNamespace is false: other systems have no namespaces.
func NeedsNamespace() bool { return false }

// RunInNamespace does not work here.
func RunInNamespace() error { return errors.ErrUnsupported }

func joinHint() string { return "" }
