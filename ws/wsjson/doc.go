// Package wsjson reads and writes JSON over a WebSocket, a value a message:
//
//	var v struct{ Name string }
//	if err := wsjson.Read(ctx, c, &v); err != nil {
//		return err
//	}
//	err := wsjson.Write(ctx, c, v)
package wsjson
