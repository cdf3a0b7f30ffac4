package names

import (
	"container/list"
	"sync"
	"time"
)

// cache keeps answers for as long as their servers allow, and a bounded number
// of them: the one that was not asked for longest goes first. A nil cache keeps
// nothing.
type cache struct {
	size int

	mu      sync.Mutex
	entries map[question]*list.Element
	order   list.List // of entry, the one asked for last in front
}

// question is a canonical name and a type.
type question struct {
	name  string
	qtype uint16
}

type entry struct {
	question question
	records  records
	missing  bool // there are no such records
	expires  time.Time
}

func newCache(size int) *cache {
	return &cache{size: size, entries: map[question]*list.Element{}}
}

func (c *cache) get(q question, now time.Time) (entry, bool) {
	if c == nil {
		return entry{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.entries[q]
	if !ok {
		return entry{}, false
	}
	e := at.Value.(entry)
	if !now.Before(e.expires) {
		c.remove(at)
		return entry{}, false
	}
	c.order.MoveToFront(at)
	return e, true
}

func (c *cache) put(q question, e entry) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.entries[q]; ok {
		c.remove(at)
	}
	e.question = q
	c.entries[q] = c.order.PushFront(e)
	if len(c.entries) > c.size {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(at *list.Element) {
	delete(c.entries, at.Value.(entry).question)
	c.order.Remove(at)
}
