//go:build !unix

package cable

import "net"

// listenPrivate makes the socket; who may use it is the folder's matter here.
func listenPrivate(path string) (net.Listener, error) { return net.Listen("unix", path) }
