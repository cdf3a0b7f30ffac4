// Package msgpack is the official alternative packet format
// (https://socket.io/docs/v4/custom-parser/#the-msgpack-parser): a packet is one
// binary message, a MessagePack map of type, nsp, data and id. It is smaller
// where there is much binary or many numbers. Both sides have to use it:
//
//	io := socketio.NewServer(&socketio.Options{Parser: msgpack.Format})
//	c, err := client.Dial(ctx, url, &client.Options{Parser: msgpack.Format})
//
// It writes what socket.io-msgpack-parser 3 reads, and reads what that, notepack
// 3 and @msgpack/msgpack write: undefined as nil or as extension 0, dates as
// extension 0 or -1. Above it everything is as with the default format: the
// payload is JSON, with placeholders for what is binary; dates become strings as
// JSON.stringify writes them.
package msgpack
