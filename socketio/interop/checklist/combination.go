package checklist

import (
	"fmt"
	"time"

	"strata/socketio"
	"strata/socketio/parser"
	"strata/socketio/parser/msgpack"
)

// Combination is how a client of version 4 and the server speak.
type Combination struct {
	Format     string // "default" or "msgpack"
	Transports string // that the client uses, with commas between
	Recovery   bool   // a client that comes back continues its session
}

// Combinations are all that make a difference.
var Combinations = combinations()

func combinations() (all []Combination) {
	for _, format := range []string{"default", "msgpack"} {
		for _, transports := range []string{"websocket", "polling", "polling,websocket"} {
			all = append(all, Combination{format, transports, false})
			if transports != "polling" { // its client cannot lose a connection without its session
				all = append(all, Combination{format, transports, true})
			}
		}
	}
	return all
}

// String is like "msgpack polling,websocket recovery".
func (c Combination) String() string {
	return fmt.Sprint(c.Format, " ", c.Transports, " ", c.features())
}

func (c Combination) features() string {
	if c.Recovery {
		return "recovery"
	}
	return "plain"
}

// Args are what client.cjs wants to know after the URL.
func (c Combination) Args() []string { return []string{c.Format, c.Transports, c.features()} }

// Options are the server's.
func (c Combination) Options() *socketio.Options {
	opts := &socketio.Options{Parser: parser.Default}
	if c.Format == "msgpack" {
		opts.Parser = msgpack.Format
	}
	if c.Recovery {
		opts.Recovery = &socketio.Recovery{}
	}
	return opts
}

// TransportsV2 are what client-v2.cjs is asked to use.
var TransportsV2 = []string{"websocket", "polling", "polling,websocket", "jsonp"}

// OptionsV2 are those of a server for it, who pings often enough to be noticed.
func OptionsV2() *socketio.Options {
	return &socketio.Options{AllowEIO3: true, PingInterval: 200 * time.Millisecond, PingTimeout: 5 * time.Second}
}
