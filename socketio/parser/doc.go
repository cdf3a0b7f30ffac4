// Package parser is the Socket.IO v5 packet format: text and binary messages
// in, packets out, and back. It does no I/O, starts nothing and keeps no clock.
//
// A packet is one text message, followed by its attachments, each a binary
// message of its own (https://socket.io/docs/v4/socket-io-protocol/#format):
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
//
//	0{"token":"123"}                          CONNECT to "/", with an auth payload
//	42["hello",1]                             EVENT inside an Engine.IO message (the 4)
//	51-/admin,12["file",{"_placeholder":true,"num":0}]   BINARY_EVENT, asking for ack 12
//
// Sending: fill a [Packet] with [Packet.SetEvent] or [Packet.SetArgs], write it
// with [Append], and send its Attachments after it. Receiving: hand every
// message to a [Decoder], and take the arguments out with [Packet.Event] or
// [Packet.Args]:
//
//	var d parser.Decoder
//	p, ok, err := d.Text([]byte(`2["hello","Ada"]`))
//	if err != nil || !ok { … }
//	name, args := p.Event()
//	var who string
//	err = args.Decode(&who)
//
// The decoder refuses what the official one refuses (unknown types, payloads
// that do not fit their type, reserved event names, placeholders out of range,
// more than ten attachments), in time and memory linear in the message.
package parser
