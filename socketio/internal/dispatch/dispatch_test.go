package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
	"strata/socketio/parser"
)

// event is an event as it comes from the network.
func event(t *testing.T, text string) *parser.Packet {
	var d parser.Decoder
	p, ok, err := d.Text([]byte(text))
	require.NoError(t, err)
	require.True(t, ok)
	return &p
}

func on(t *testing.T, table *Table, event string, fn any) (off func()) {
	t.Helper()
	off, err := table.On(event, fn, false)
	require.NoError(t, err)
	return off
}

func refused(table *Table, event string, fn any) error {
	_, err := table.On(event, fn, false)
	return err
}

func TestArgumentsBecomeParameters(t *testing.T) {
	type message struct {
		User string
		N    int
	}
	var got string
	for _, c := range []struct {
		args string
		fn   any
		want string
	}{
		{`"Ada",36,true`, func(s string, n int, b bool) { got = fmt.Sprint(s, n, b) }, "Ada36 true"},
		{`{"user":"Ada","n":3}`, func(m message) { got = fmt.Sprint(m) }, "{Ada 3}"},
		{`{"user":"Ada"}`, func(m *message) { got = m.User }, "Ada"},
		{`[1,2]`, func(n []int) { got = fmt.Sprint(n) }, "[1 2]"},
		{`1,"extra"`, func(n int) { got = fmt.Sprint(n) }, "1"},
		{`1`, func(n int, missing string, m *message) { got = fmt.Sprintf("%d%q%v", n, missing, m == nil) }, `1""true`},
		{`1`, func() { got = "none" }, "none"},
		{`"a",1,null`, func(all ...any) { got = fmt.Sprint(all) }, "[a 1 <nil>]"},
		{`"a",1,2`, func(s string, rest ...int) { got = fmt.Sprint(s, rest) }, "a[1 2]"},
		{`"a"`, func(s string, rest ...int) { got = fmt.Sprint(s, len(rest)) }, "a0"},
		{`{"raw": [1, 2]}`, func(r json.RawMessage) { got = string(r) }, `{"raw": [1, 2]}`},
		{`"2026-11-22T10:00:00Z"`, func(at time.Time) { got = at.Format("Jan 2") }, "Nov 22"},
	} {
		got = ""
		var table Table
		on(t, &table, "e", c.fn)
		require.NoError(t, table.Dispatch(context.Background, event(t, `2["e",`+c.args+`]`), nil), c.args)
		require.Equal(t, c.want, got, c.args)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		fn   any
		want []any
	}{
		{func(ack func()) { ack() }, []any{}},
		{func(n int, ack func(int, string)) { ack(n+1, "x") }, []any{2, "x"}},
		{func(ack func(...any)) { ack(1, nil, "y") }, []any{1, nil, "y"}},
		{func(ack func(string, ...int)) { ack("z", 1, 2) }, []any{"z", 1, 2}},
		{func(n int) int { return n + 1 }, []any{2}},
		{func(ctx context.Context, n int) (string, error) { return fmt.Sprint(n, ctx.Err()), nil }, []any{"1 <nil>"}},
		{func(context.Context) (int, string, error) { return 1, "x", nil }, []any{1, "x"}},
		{func() error { return nil }, []any{}},
	} {
		var table Table
		on(t, &table, "e", c.fn)
		var got []any
		require.NoError(t, table.Dispatch(context.Background, event(t, `20["e",1]`), AnswerFunc(func(args ...any) { got = args })))
		require.Equal(t, c.want, got)
		// Who asked for no answer: the function is there, and does nothing.
		require.NoError(t, table.Dispatch(context.Background, event(t, `2["e",1]`), nil))
	}
}

// An error that a handler returns is the answer where one is awaited, and the
// caller's business where not.
func TestHandlersThatFail(t *testing.T) {
	var table Table
	on(t, &table, "e", func() (int, error) { return 1, io.ErrUnexpectedEOF })
	var got []any
	require.NoError(t, table.Dispatch(context.Background, event(t, `20["e",1]`), AnswerFunc(func(args ...any) { got = args })))
	text, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, `[{"error":"unexpected EOF"}]`, string(text))
	err = table.Dispatch(context.Background, event(t, `2["e",1]`), nil)
	var failed *HandlerError
	require.ErrorAs(t, err, &failed)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// Listeners go away one by one, all at once, or by themselves after one event.
func TestListenersComeAndGo(t *testing.T) {
	var table Table
	var got string
	off := on(t, &table, "e", func() { got += "a" })
	_, err := table.On("e", func() { got += "once" }, true)
	require.NoError(t, err)
	on(t, &table, "e", func() { got += "b" })
	say := func() string {
		got = ""
		require.NoError(t, table.Dispatch(context.Background, event(t, `2["e"]`), nil))
		return got
	}
	require.Equal(t, "aonceb", say())
	require.Equal(t, "ab", say())
	off()
	off()
	require.Equal(t, "b", say())
	require.Equal(t, []string{"e"}, table.Events())
	table.Off("e")
	require.Empty(t, table.Events())

	var any AnyList
	second := any.Add(func(event string, args parser.Args) { got += event + "2" }, false)
	any.Add(func(event string, args parser.Args) { got += event + "1" }, true)
	got = ""
	any.Call(event(t, `2["x",5]`))
	require.Equal(t, "x1x2", got)
	second()
	any.Call(event(t, `2["y"]`))
	require.Equal(t, "x1x2y1", got)
	require.Equal(t, 1, any.Len())
	any.Clear()
	require.Zero(t, any.Len())
}

// A handler that cannot work is found out when it is registered.
func TestSignaturesAreCheckedAtOnce(t *testing.T) {
	var null func()
	for _, c := range []struct {
		fn   any
		want string
	}{
		{nil, "not a function"},
		{42, "not a function"},
		{null, "nil"},
		{func(ack func()) error { return nil }, "answer one way"},
		{func() chan int { return nil }, "result 1"},
		{func(ack func() error) {}, "ack"},
		{func(func(), int) {}, "parameter 1"},
		{func(chan int) {}, "chan"},
		{func(io.Reader) {}, "interface with methods"},
		{func([]map[string]complex128) {}, "complex128"},
		{func(struct{ F func() }) {}, "field F"},
		{func(...func()) {}, "func"},
	} {
		var table Table
		require.ErrorContains(t, refused(&table, "e", c.fn), c.want, "%T", c.fn)
	}
	type node struct {
		Next *node
		Skip chan int `json:"-"`
		none chan int
	}
	var table Table
	on(t, &table, "e", func(n node, _ any) { _ = n.none })
	for _, name := range []string{"connect", "disconnect", "newListener"} {
		require.ErrorContains(t, refused(&table, name, func() {}), "reserved")
	}
}

func TestArgumentsThatDoNotFit(t *testing.T) {
	var table Table
	on(t, &table, "e", func(s string, n int) { t.Error("called") })
	err := table.Dispatch(context.Background, event(t, `2["e","a","b"]`), nil)
	require.ErrorContains(t, err, "argument 2 as int")
	require.ErrorContains(t, err, `event "e"`)
	// Nobody's event, and one whose handlers were taken away, are nothing.
	require.NoError(t, table.Dispatch(context.Background, event(t, `2["error","a"]`), nil))
	table.Off("e")
	require.NoError(t, table.Dispatch(context.Background, event(t, `2["e","a","b"]`), nil))
}

func TestAcks(t *testing.T) {
	var acks Acks
	ctx, cancel := context.WithCancel(context.Background())
	p := event(t, `37["yes"]`)
	require.False(t, acks.Answer(7, p.Args()), "nobody asked")

	wait := acks.Expect(7)
	require.True(t, acks.Answer(7, p.Args()))
	require.False(t, acks.Answer(7, p.Args()), "only once")
	args, err := wait(ctx)
	require.NoError(t, err)
	var s string
	require.NoError(t, args.Decode(&s))
	require.Equal(t, "yes", s)

	wait = acks.Expect(8)
	cancel()
	_, err = wait(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, acks.Answer(8, p.Args()), "too late, and forgotten")

	wait = acks.Expect(9)
	acks.Forget(9)
	require.Empty(t, acks.waiting)
	wait2 := acks.Expect(10)
	acks.End()
	_, err = wait2(context.Background())
	require.ErrorIs(t, err, ErrDisconnected)
	_ = wait
	wait3 := acks.Expect(11)
	_, err = wait3(context.Background())
	require.ErrorIs(t, err, ErrDisconnected, "after the end")
}

// A call's memory is used again: nothing of one call is seen by the next, whether
// that has fewer arguments, the first did not fit, or the handler kept what it got.
func TestCallsShareNothing(t *testing.T) {
	type pair struct{ A, B *string }
	var kept []any
	h, err := NewHandler(func(s string, n int, p pair, ok bool) { kept = append(kept, s, n, p, ok) })
	require.NoError(t, err)
	call := func(args string) error {
		_, a := event(t, `2["e"`+args+`]`).Event()
		return h.Call(context.Background, a, nil)
	}
	a, b := "a", "b"
	require.NoError(t, call(`,"text",7,{"A":"a"},true`))
	require.NoError(t, call(``))
	require.ErrorContains(t, call(`,"text",7,{"B":"b"},"no bool"`), "argument 4 as bool")
	require.NoError(t, call(`,"x",null,{"B":"b"}`))
	require.Equal(t, []any{"text", 7, pair{A: &a}, true, "", 0, pair{}, false, "x", 0, pair{B: &b}, false}, kept)

	count := 0
	many, err := NewHandler(func(all ...int) { count += len(all) })
	require.NoError(t, err)
	_, args := event(t, `2["e"`+strings.Repeat(",1", 100)+`]`).Event()
	require.NoError(t, many.Call(context.Background, args, nil))
	_, args = event(t, `2["e",1]`).Event()
	require.NoError(t, many.Call(context.Background, args, nil))
	require.Equal(t, 101, count)
}

// corks counts how often it was corked, and how much of that is left.
type corks struct{ times, left int }

func (c *corks) Cork()   { c.times++; c.left++ }
func (c *corks) Uncork() { c.left-- }

func TestMailboxKeepsOrderAndSurvivesItsJobs(t *testing.T) {
	var panics []any
	var corks corks
	m := Mailbox{Panicked: func(v any, stack []byte) { panics = append(panics, v) }, Corks: &corks}
	var got []int
	done := make(chan struct{})
	begin := make(chan struct{})
	m.Put(0, engineio.Turn{}, func() { <-begin })
	for i := range 100 {
		m.Put(1, engineio.Turn{}, func() {
			got = append(got, i)
			require.Equal(t, 1, corks.left, "what several jobs send is held back together")
			switch i {
			case 3:
				panic("three")
			case 5:
				runtime.Goexit() // as FailNow does
			}
		})
	}
	m.Close(false, func() { close(done) })
	require.False(t, m.Put(0, engineio.Turn{}, func() { t.Error("after Close") }))
	close(begin)
	<-done
	require.Len(t, got, 100)
	require.IsIncreasing(t, got)
	require.Equal(t, "three", panics[0])
	require.ErrorContains(t, panics[1].(error), "Goexit")
	m.mu.Lock() // until the goroutine has ended its last batch
	for m.running {
		m.mu.Unlock()
		runtime.Gosched()
		m.mu.Lock()
	}
	m.mu.Unlock()
	require.Zero(t, corks.left)
	require.Equal(t, 2, corks.times, "once, and once more after the job that left its goroutine")
}

// Whoever reads from the network has to wait for handlers that do not keep up:
// what waits for them is bounded in number and in bytes.
func TestMailboxIsBounded(t *testing.T) {
	for _, size := range []int{0, maxBytes / 4, 10 * maxBytes} {
		m := Mailbox{Panicked: func(v any, stack []byte) { t.Error(v) }}
		begin, started, last := make(chan struct{}), make(chan struct{}), make(chan struct{})
		m.Put(0, engineio.Turn{}, func() { close(started); <-begin })
		<-started
		put := make(chan int, maxJobs*2)
		go func() {
			defer close(put)
			for i := 0; m.Put(size, engineio.Turn{}, func() {}); i++ {
				put <- i
			}
		}()
		limit := maxJobs
		if size > 0 {
			limit = max(1, maxBytes/size)
		}
		for range limit {
			<-put
		}
		// The next one waits: it is let go by Close, and is not done.
		for m.waits() == 0 {
			runtime.Gosched()
		}
		m.Close(true, func() { close(last) })
		_, more := <-put
		require.False(t, more)
		close(begin)
		<-last
	}
}

// waits is how many jobs wait where somebody waits for room.
func (m *Mailbox) waits() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.room == nil {
		return 0
	}
	return m.count
}

func TestPreviewIsShort(t *testing.T) {
	p := event(t, `212["`+strings.Repeat("ü", 100)+`","x"]`)
	m := MessageOf(p)
	require.Equal(t, `["`+strings.Repeat("ü", 31)+"…", m.Preview)
	require.LessOrEqual(t, len(m.Event), previewLen)
	require.Equal(t, "EVENT", m.Type)
	require.EqualValues(t, 12, *m.ID)
}

func BenchmarkDispatch(b *testing.B) {
	var table Table
	if _, err := table.On("chat message", func(s string, ack func(string)) { ack(s) }, false); err != nil {
		b.Fatal(err)
	}
	var d parser.Decoder
	p, _, err := d.Text([]byte(`212["chat message","hello"]`))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := table.Dispatch(context.Background, &p, AnswerFunc(func(...any) {})); err != nil {
			b.Fatal(err)
		}
	}
}
