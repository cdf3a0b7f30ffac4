// Package drain waits, before a host is closed, until its peers have
// acknowledged that its connections end; a host that is closed earlier resets
// them.
//
//	drain.Wait(host, time.Second)
//	host.Close()
package drain
