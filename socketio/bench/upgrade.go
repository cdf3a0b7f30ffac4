package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"strata/ws"
)

// polling is what clients connect by at first: connections that they share, as a
// proxy's would be.
var polling = &http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
}

// upgrade connects by long-polling, joins "/", changes to a WebSocket as the
// official client does, and has one echo answered over it.
func upgrade(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	at := url + "/socket.io/?EIO=4&transport=polling"
	answer, err := request(http.MethodGet, at, "")
	if err != nil {
		return err
	}
	var opened struct{ SID string }
	if err := json.Unmarshal(bytes.TrimPrefix(answer, []byte("0")), &opened); err != nil {
		return fmt.Errorf("handshake %q: %w", answer, err)
	}
	session := "&sid=" + opened.SID
	if _, err := request(http.MethodPost, at+session, "40"); err != nil {
		return err
	}
	if answer, err = request(http.MethodGet, at+session, ""); err != nil || !bytes.HasPrefix(answer, []byte("40")) {
		return fmt.Errorf("join: %q, %w", answer, err)
	}
	conn, _, err := ws.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket"+session, nil)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	for _, step := range []struct{ say, hear string }{{"2probe", "3probe"}, {"5", ""}, {`420["echo","x"]`, `430["x"]`}} {
		if err := conn.Write(ctx, ws.MessageText, []byte(step.say)); err != nil {
			return err
		}
		if step.hear == "" {
			continue
		}
		if _, p, err := conn.Read(ctx); err != nil || string(p) != step.hear {
			return fmt.Errorf("upgrade: %q in answer to %q, error %v", p, step.say, err)
		}
	}
	return nil
}

// request makes a request of long-polling.
func request(method, url, body string) ([]byte, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := polling.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", method, answer.Status, text)
	}
	return text, err
}
