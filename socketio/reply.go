package socketio

import (
	"sync"

	"strata/socketio/engineio"
	"strata/socketio/parser"
)

// reply is the memory of an answer that is sent, for the next one.
type reply struct {
	packet   parser.Packet
	messages [1]engineio.Outgoing
}

var replies = sync.Pool{New: func() any { return new(reply) }}

func newReply() *reply { return replies.Get().(*reply) }

// keepReply is how large a payload's memory is kept, bytes.
const keepReply = 4 << 10

// free gives the memory back. What was sent of it is a copy.
func (r *reply) free() {
	data := r.packet.Data
	if cap(data) > keepReply {
		data = nil
	}
	*r = reply{packet: parser.Packet{Data: data[:0]}}
	replies.Put(r)
}
