package wsjson

import (
	"context"
	"encoding/json"
	"fmt"

	"strata/ws"
)

// Read reads the next message into v, which is as for json.Unmarshal. A message
// that is not text, or not JSON for v, closes the connection, with
// StatusUnsupportedData or StatusInvalidFramePayloadData; the other errors are
// those of [ws.Conn.Read].
func Read(ctx context.Context, c *ws.Conn, v any) error {
	typ, p, err := c.Read(ctx)
	if err != nil {
		return err
	}
	if typ != ws.MessageText {
		go c.Close(ws.StatusUnsupportedData, "a binary message where JSON was expected")
		return fmt.Errorf("wsjson: read: a %v message of %d bytes, where JSON is text", typ, len(p))
	}
	if err := json.Unmarshal(p, v); err != nil {
		go c.Close(ws.StatusInvalidFramePayloadData, "a message that is not the JSON that was expected")
		return fmt.Errorf("wsjson: read: %w", err)
	}
	return nil
}

// Write writes v as a text message, as json.Marshal has it.
func Write(ctx context.Context, c *ws.Conn, v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("wsjson: write: %w", err)
	}
	return c.Write(ctx, ws.MessageText, p)
}
