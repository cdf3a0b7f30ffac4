package stack

import (
	"sync"
	"time"

	glog "gvisor.dev/gvisor/pkg/log"
)

// quiet keeps gVisor's own log off standard error, where it would tell of every
// SYN that it cannot serve, as fast as they come. What it tells is in the
// stack's counters. A program that wants it calls gVisor's log.SetTarget after
// the first New.
var quiet = sync.OnceFunc(func() { glog.SetTarget(nowhere{}) })

type nowhere struct{}

func (nowhere) Emit(int, glog.Level, time.Time, string, ...any) {}
