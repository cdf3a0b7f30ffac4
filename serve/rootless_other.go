//go:build !linux

package serve

import (
	"errors"
	"net"
)

// NeedsNamespace is false: other systems have no namespaces.
func NeedsNamespace() bool { return false }

// InNamespace is false.
func InNamespace() bool { return false }

// RunInNamespace does not work here.
func RunInNamespace(interruptIsCommands bool, inspectAt string) error { return errors.ErrUnsupported }

func joinHint() string { return "" }

func inherited() (net.Listener, string, error) { return nil, "", nil }
