package client_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"strata/socketio/client"
	"strata/socketio/engineio"
)

// pipes is a listener whose connections are in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours, nil
}

// sends is a server's side of a session: what it says, and no more.
type sends struct{ *engineio.Session }

func (sends) Message(engineio.Message)      {}
func (sends) Closed(engineio.Reason, error) {}

// Whatever a server says, in messages that bytes of 0xff part and of which those
// that begin with "b" are binary, the client neither panics nor hangs: the
// session ends, and Close returns.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		"0{\"sid\":\"a\"}", "0", "0{\"sid\":\"a\",\"pid\":\"p\"}\xff2[\"x\",1,\"o-1\"]", "0{\"sid\":\"a\"}\xff51-[\"x\",{\"_placeholder\":true,\"num\":0}]\xffbin",
		"4{\"message\":\"no\"}", "4\"no\"", "1", "0{\"sid\":\"a\"}\xff1", "2[\"x\"]\xff0{\"sid\":\"a\"}", "0{\"sid\":\"a\"}\xff30[]", "0/other,{\"sid\":\"a\"}",
		"0{\"sid\":\"a\"}\xff20[\"x\"]\xff31[1]", "b", "0{\"sid\":7}", "0{\"sid\":\"a\"}\xff0{\"sid\":\"b\"}",
	} {
		f.Add([]byte(seed))
	}
	quiet := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, said []byte) {
		network := make(pipes)
		engine := engineio.NewServer(nil, func(s *engineio.Session) engineio.Handler {
			for m := range bytes.SplitSeq(said, []byte{0xff}) {
				if bytes.HasPrefix(m, []byte("b")) {
					_ = s.Send(engineio.BinaryMessage(bytes.Clone(m[1:])))
				} else {
					_ = s.Send(engineio.TextMessage(bytes.ToValidUTF8(m, nil)))
				}
			}
			s.Close()
			return sends{s}
		})
		hs := &http.Server{Handler: engine}
		served := make(chan error, 1)
		go func() { served <- hs.Serve(network) }()
		c, err := client.New("http://server.test/", &client.Options{DialContext: network.dial, NoReconnection: true, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		c.On("x", func(args ...any) int { return len(args) })
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = c.Connect(ctx) // however that goes
		_, _ = c.EmitWithAck(ctx, "y")
		if ctx.Err() != nil {
			t.Fatal("the client hangs")
		}
		_ = c.Close()
		if err := engine.Close(ctx); err != nil {
			t.Fatal(err)
		}
		_ = hs.Close()
		<-served
	})
}
