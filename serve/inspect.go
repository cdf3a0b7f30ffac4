package serve

import (
	"fmt"
	"net"

	"strata/inspect"
	"strata/link"
	"strata/stack"
	"strata/trace"
)

// inspector is what --inspect adds: a recorder beside the reporter's, and the
// page. Nil is none.
type inspector struct {
	ln    net.Listener // until the page has it
	token string
	rec   *inspect.Recorder
	page  *inspect.Server // nil until everything is there that it shows
}

// newInspector listens where the page will be. That is on a socket of this
// process's own network namespace or, where that was made for us, of the one that
// we came from.
func newInspector(c *Config) (*inspector, error) {
	if c.Inspect == "" {
		return nil, nil
	}
	i := &inspector{rec: inspect.NewRecorder()}
	var err error
	if i.ln, i.token, err = inherited(); i.ln == nil && err == nil {
		i.ln, i.token, err = inspect.Listen(c.Inspect)
	}
	if err != nil {
		return nil, fmt.Errorf("--inspect %s: %w", c.Inspect, err)
	}
	return i, nil
}

// beside is rec and the inspector's: only that is told details.
func (i *inspector) beside(rec trace.Recorder) trace.Recorder {
	if i == nil {
		return rec
	}
	if rec == nil {
		return i.rec
	}
	return trace.Tee(undetailed{rec}, i.rec)
}

// undetailed leaves out what stack.Config.Detail adds.
type undetailed struct{ next trace.Recorder }

var _ trace.Selective = undetailed{}

func (u undetailed) Interest(trace.Flow) trace.Interest { return trace.Outline }

func (u undetailed) Record(e trace.Event) {
	switch e.What.(type) {
	case trace.Stream, trace.TLSRecord, trace.Sender, trace.Retransmission:
		return
	}
	u.next.Record(e)
}

// wireRecorder is who is told of the wire; nil is nobody.
func (i *inspector) wireRecorder() trace.Recorder {
	if i == nil {
		return nil
	}
	return i.rec
}

// serve begins to serve the page.
func (i *inspector) serve(title string, host *stack.Host, wire *link.Wire, device string) {
	if i == nil {
		return
	}
	i.page = inspect.New(inspect.Config{
		Title: title, Hosts: []*stack.Host{host}, Recorder: i.rec, Token: i.token,
		Wires: []inspect.Wire{{Wire: wire, Name: wireName, A: host.Name(), B: device}},
	})
	go i.page.Serve(i.ln)
}

// url is where the page is; empty where there is none.
func (i *inspector) url() string {
	if i == nil {
		return ""
	}
	return inspect.URL(i.ln.Addr(), i.token)
}

func (i *inspector) close() {
	switch {
	case i == nil:
	case i.page != nil:
		_ = i.page.Close()
	default:
		_ = i.ln.Close()
	}
}
