package interop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"strata/ws"
)

// patience bounds each wait for what has to happen.
const patience = 30 * time.Second

// conn is a connection of some library's. Its adapter reads all the time, so that
// pings are answered and pongs seen, and puts what comes into the inbox.
type conn interface {
	// send sends a message; from several parts it makes as many fragments, or as
	// many as it can.
	send(text bool, parts ...[]byte) error
	// ping sends a ping; its pong goes to the inbox.
	ping(payload string) error
	// close sends a close frame, and sees to it that the connection ends.
	close(code int, reason string) error
	subprotocol() string
	box() *inbox
}

type message struct {
	text    bool
	payload []byte
}

// closed is how a connection ended where there was a close frame.
type closed struct {
	Code   int
	Reason string
}

func (c closed) Error() string { return fmt.Sprintf("closed with %d %q", c.Code, c.Reason) }

// inbox is what came from the peer.
type inbox struct {
	messages chan message
	pongs    chan string
	ended    chan struct{}
	err      error // after ended
}

func newInbox() *inbox {
	return &inbox{messages: make(chan message, 16), pongs: make(chan string, 16), ended: make(chan struct{})}
}

func (b *inbox) box() *inbox { return b }

// pump reads until there is an error.
func (b *inbox) pump(read func() (text bool, p []byte, err error)) {
	for {
		text, p, err := read()
		if err != nil {
			b.end(err)
			return
		}
		b.messages <- message{text, p}
	}
}

func (b *inbox) end(err error) {
	b.err = err
	close(b.ended)
}

// read is the next message, or how the connection ended.
func (b *inbox) read() (message, error) {
	select {
	case m := <-b.messages:
		return m, nil
	case <-b.ended:
		select {
		case m := <-b.messages: // it came before the end
			return m, nil
		default:
			return message{}, b.err
		}
	case <-time.After(patience):
		return message{}, fmt.Errorf("nothing came in %v", patience)
	}
}

// pinged pings and waits for the pong.
func pinged(c conn) error {
	const payload = "are you there?"
	if err := c.ping(payload); err != nil {
		return err
	}
	select {
	case got := <-c.box().pongs:
		if got != payload {
			return fmt.Errorf("the pong has %q and not the ping's %q", got, payload)
		}
		return nil
	case <-c.box().ended:
		return fmt.Errorf("in place of a pong: %w", c.box().err)
	case <-time.After(patience):
		return errors.New("no pong came")
	}
}

// library is a WebSocket for Go.
type library struct {
	name  string
	lacks lacks

	// ignoresBits: its server agrees to compress with windows that are larger than
	// the client said it can take (RFC 7692 §7.1.2.1), or than it was offered
	// (§7.1.2.2). A client has to end such a connection.
	ignoresBits bool

	// compressions are the ways in which it can be asked for permessage-deflate,
	// beside not at all.
	compressions []string

	// dial is its client, connected; serve its server, which calls f with each
	// connection and expects it to return only after the connection has ended.
	dial  func(ctx context.Context, url, compression string) (conn, error)
	serve func(compression string, f func(conn)) http.Handler
}

// lacks is what a library cannot do, so that it is left out.
type lacks struct {
	fragments bool // it takes, and makes, no messages of several frames
	codes     bool // it closes with no code of one's choice, and does not tell the peer's
	pings     bool // it sends no pings
}

// subprotocols are what a client offers; a server knows the second only.
var subprotocols = []string{"nobody.example", "chat.example"}

// compression is what is asked of ours.
type compression struct {
	name string
	*ws.Compression
}

var compressions = []compression{
	{"not compressed", nil},
	{"context takeover", &ws.Compression{Threshold: -1}},
	{"no context takeover", &ws.Compression{Threshold: -1, ServerNoContextTakeover: true, ClientNoContextTakeover: true}},
	{"windows of 10 and 9 bits", &ws.Compression{Threshold: -1, ServerMaxWindowBits: 10, ClientMaxWindowBits: 9}},
}
