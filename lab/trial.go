package lab

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// trial is the test of a world that may fail without the test around it.
type trial struct {
	*testing.T
	mu  sync.Mutex
	err error // the first; nil until it fails
}

var _ testing.TB = (*trial)(nil)

func (t *trial) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

func (t *trial) Log(...any)                        {}
func (t *trial) Logf(string, ...any)               {}
func (t *trial) Fail()                             { t.fail(errors.New("the world's test failed")) }
func (t *trial) Error(args ...any)                 { t.fail(errors.New(fmt.Sprint(args...))) }
func (t *trial) Errorf(format string, args ...any) { t.fail(fmt.Errorf(format, args...)) }

// FailNow ends the goroutine, as that of testing.T does.
func (t *trial) FailNow() {
	t.Fail()
	runtime.Goexit()
}

func (t *trial) Fatal(args ...any) {
	t.Error(args...)
	runtime.Goexit()
}

func (t *trial) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Failed says whether it has failed.
func (t *trial) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil
}
