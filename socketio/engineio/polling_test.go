package engineio_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"strata/socketio/engineio"
)

func TestPollingCarriesTextAndBinaryBothWays(t *testing.T) {
	s := serve(t, nil)
	ss, query := s.open()
	poll := s.poll(query)
	a := s.do("POST", query, "4hello\x1e4\x1ebAAEC/w==\x1e4ünïcode", "Content-Type", "text/plain;charset=UTF-8")
	require.Equal(t, 200, a.status)
	require.Equal(t, "ok", a.body)
	require.Equal(t, "text/html", a.header.Get("Content-Type"))

	for _, want := range []engineio.Message{
		{Data: []byte("hello")}, {Data: []byte{}}, {Binary: true, Data: []byte{0, 1, 2, 255}}, {Data: []byte("ünïcode")},
	} {
		require.Equal(t, want, wait(t, "a message", ss.messages))
	}
	// The poll may have left with the first of them; the rest waits for the
	// next one, and nothing is lost in between.
	var got []string
	for len(got) < 4 {
		got = append(got, strings.Split(wait(t, "the poll", poll).body, "\x1e")...)
		if len(got) < 4 {
			poll = s.poll(query)
		}
	}
	require.Equal(t, []string{"4hello", "4", "bAAEC/w==", "4ünïcode"}, got)

	// What is no UTF-8 is replaced, as a browser would do when it reads it.
	s.do("POST", query, "4a\xffb")
	require.Equal(t, "a\uFFFDb", string(wait(t, "a message", ss.messages).Data))
}

// One GET and one POST at a time: more of them, and order would be chance.
func TestOverlappingRequestsEndTheSession(t *testing.T) {
	t.Run("GET", func(t *testing.T) {
		s := serve(t, nil)
		ss, query := s.open()
		polls := []<-chan answer{s.poll(query), s.poll(query)}
		// Which of them comes first is not ours to say: one is refused, the
		// other told that the session is over.
		got := map[string]int{}
		for _, p := range polls {
			a := wait(t, "a poll", p)
			got[a.body] = a.status
		}
		require.Equal(t, map[string]int{"1": 200, "": 400}, got)
		require.Equal(t, engineio.TransportError, wait(t, "the end", ss.closed).reason)
		require.Equal(t, 400, s.do("GET", query, "").status)
	})
	t.Run("POST", func(t *testing.T) {
		s := serve(t, nil)
		ss, query := s.open()
		body, w := io.Pipe()
		first := make(chan answer, 1)
		go func() {
			a, _ := s.try(context.Background(), "POST", query, body)
			first <- a
		}()
		_, err := w.Write([]byte("4a")) // the first is under way
		require.NoError(t, err)
		// The client's transport may hold the body back until the server has
		// read the head: only once the session is over it has seen both.
		for {
			a := s.do("POST", query, "4b")
			require.Contains(t, []int{200, 400}, a.status)
			if a.status == 400 {
				break
			}
		}
		require.Equal(t, engineio.TransportError, wait(t, "the end", ss.closed).reason)
		w.Close()
		wait(t, "the first POST", first)
		for len(ss.messages) > 0 {
			require.Equal(t, "b", string((<-ss.messages).Data), "nothing of the first POST is taken after the end")
		}
	})
}

// CVE-2020-36048: a body larger than the limit is refused, whether it says so
// or not, and before it is in memory.
func TestBodiesAreLimited(t *testing.T) {
	s := serve(t, &engineio.Options{MaxPayload: 1000})
	ss, query := s.open()
	fits := "4" + strings.Repeat("a", 999)
	require.Equal(t, 200, s.do("POST", query, fits).status)
	require.Equal(t, 413, s.do("POST", query, fits+"a").status, "by its Content-Length")
	a, err := s.try(context.Background(), "POST", query, io.MultiReader(strings.NewReader(fits), strings.NewReader("a")))
	require.NoError(t, err)
	require.Equal(t, 413, a.status, "chunked")
	require.Equal(t, 200, s.do("POST", query, "4still there").status)
	require.Len(t, wait(t, "a message", ss.messages).Data, 999)
	require.Equal(t, "still there", string(wait(t, "a message", ss.messages).Data))

	// A body without end is cut off at the limit.
	endless, w := io.Pipe()
	go func() {
		for {
			if _, err := w.Write([]byte(strings.Repeat("x", 4096))); err != nil {
				return
			}
		}
	}()
	a, err = s.try(context.Background(), "POST", query, endless)
	endless.Close()
	if err == nil {
		require.Equal(t, 413, a.status)
	}
}

func TestPayloadsThatEndTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		body, contentType string
		status            int
		want              engineio.Reason
	}{
		"unknown type":       {"x", "", 200, engineio.ParseError},
		"empty":              {"", "", 200, engineio.ParseError},
		"empty packet":       {"4a\x1e\x1e4b", "", 200, engineio.ParseError},
		"no base64":          {"b!", "", 200, engineio.ParseError},
		"ping":               {"2", "", 200, engineio.TransportError},
		"close":              {"1", "", 200, engineio.TransportClose},
		"something after it": {"1\x1e4b", "", 200, engineio.TransportClose},
		"binary body":        {"4a", "application/octet-stream", 400, engineio.TransportError},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			ss, query := s.open()
			poll := s.poll(query)
			a := s.do("POST", query, c.body, "Content-Type", c.contentType)
			require.Equal(t, c.status, a.status)
			require.Equal(t, c.want, wait(t, "the end", ss.closed).reason)
			wait(t, "the poll, which is let go", poll)
			for len(ss.messages) > 0 {
				require.NotEqual(t, "b", string((<-ss.messages).Data), "nothing after the mistake counts")
			}
			require.Contains(t, s.do("GET", query, "").body, "Session ID unknown")
		})
	}
}

// A client that breaks off a request is gone.
func TestAbortedRequestsEndTheSession(t *testing.T) {
	for name, request := range map[string]string{
		"GET":          "GET /?QUERY HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST":         "POST /?QUERY HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n4begun",
		"POST chunked": "POST /?QUERY HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n4begun\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			ss, query := s.open()
			conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/engine.io/"))
			require.NoError(t, err)
			_, err = io.WriteString(conn, strings.Replace(request, "QUERY", query, 1))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			end := wait(t, "the end", ss.closed)
			require.Equal(t, engineio.TransportError, end.reason)
			require.ErrorContains(t, end.err, "closed prematurely")
		})
	}
}

// A client that fetches nothing cannot have us keep everything for it.
func TestSlowClientIsClosed(t *testing.T) {
	s := serve(t, &engineio.Options{SendBytes: 1000, SendPackets: 5})
	ss, _ := s.open()
	require.NoError(t, ss.Send(engineio.TextMessage(make([]byte, 2000))), "what comes first always fits")
	require.ErrorIs(t, ss.Send(engineio.TextMessage(nil)), engineio.ErrSlow)
	end := wait(t, "the end", ss.closed)
	require.Equal(t, engineio.TransportError, end.reason)
	require.ErrorIs(t, end.err, engineio.ErrSlow)

	ss, query := s.open()
	for i := range 5 {
		require.NoError(t, ss.Send(engineio.TextMessage(nil)), "packet %d", i)
	}
	packets, bytes := ss.Waiting()
	require.Equal(t, []int{5, 5}, []int{packets, bytes})
	require.Equal(t, "4\x1e4\x1e4\x1e4\x1e4", wait(t, "the poll", s.poll(query)).body)
	require.NoError(t, ss.Send(engineio.TextMessage(nil)), "fetching makes room")
	require.NoError(t, ss.Send(engineio.TextMessage(nil), engineio.TextMessage(nil), engineio.TextMessage(nil), engineio.TextMessage(nil)))
	require.ErrorIs(t, ss.Send(engineio.TextMessage(nil)), engineio.ErrSlow)
}

// What was sent before the close comes in an answer of its own: the official
// client acts on a close before the messages beside it.
func TestCloseComesAfterTheRest(t *testing.T) {
	s := serve(t, nil)
	ss, query := s.open()
	require.NoError(t, ss.Send(engineio.TextMessage([]byte("bye"))))
	ss.Close()
	require.Equal(t, "4bye", wait(t, "the first poll", s.poll(query)).body)
	require.Empty(t, ss.closed)
	require.Equal(t, "1", wait(t, "the second poll", s.poll(query)).body)
	require.Equal(t, engineio.ForcedClose, wait(t, "the end", ss.closed).reason)
	require.Equal(t, http.StatusBadRequest, s.do("GET", query, "").status)
}
