// Package dispatch is what the server's and the client's sockets have in
// common: plain functions as event handlers ([Handler], [Table]), answers that
// are waited for ([Acks]), and the queue through which one goroutine at a time
// handles what arrives for a socket ([Mailbox]).
//
//	var t dispatch.Table
//	err := t.On("hello", func(name string, ack func(string)) { ack("hello, " + name) })
package dispatch
