package ladder

import (
	"container/list"

	"strata/trace"
)

// flow is a connection that is followed.
type flow struct {
	key trace.Flow
	tcp conn
	// The segments that are gathered, and how often in a row the payload
	// turned without an event of a higher layer: All.
	run   run
	turns int
	// What was said of it already, by captions: Conversation.
	opened, carried, closed bool
}

// flowEntry is where a connection stands in the order of when it was heard of.
type flowEntry = list.Element

// flows follows the connections that were heard of last, at most max.
type flows struct {
	max     int
	evicted func() // is called before one is forgotten
	byKey   map[trace.Flow]*flowEntry
	order   list.List // of *flow; the one heard of last is in front
}

func (t *flows) get(key trace.Flow) *flow {
	if e, ok := t.byKey[key]; ok {
		t.order.MoveToFront(e)
		return e.Value.(*flow)
	}
	for len(t.byKey) >= t.max {
		last := t.order.Back()
		f := last.Value.(*flow)
		t.evicted()
		t.order.Remove(last)
		delete(t.byKey, f.key)
	}
	f := &flow{key: key}
	t.byKey[key] = t.order.PushFront(f)
	return f
}
