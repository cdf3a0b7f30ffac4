//go:build !linux

package serve

import (
	"errors"
)

// NeedsNamespace is false: other systems have no namespaces.
func NeedsNamespace() bool { return false }

// InNamespace is false.
func InNamespace() bool { return false }

// RunInNamespace does not work here.
func RunInNamespace(interruptIsCommands bool) error { return errors.ErrUnsupported }

func joinHint() string { return "" }
