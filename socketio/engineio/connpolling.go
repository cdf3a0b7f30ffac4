package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"

	"strata/trace"
)

// openPolling opens the session as long-polling.
func (c *Conn) openPolling(ctx context.Context) error {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: c.opts.DialContext, TLSClientConfig: c.opts.TLSConfig,
		MaxIdleConnsPerHost: 2, // one that polls, one that posts
		ForceAttemptHTTP2:   false,
	}
	c.http = &http.Client{Transport: transport, Jar: c.opts.Jar}
	c.transport = Polling
	payload, err := c.request(ctx, http.MethodGet, nil, nil)
	if err == nil {
		var first packet
		text, rest, _ := bytes.Cut(payload, []byte{separator})
		if first, err = parsePacket(text); err == nil {
			err = c.opened(first)
		}
		c.early = rest
	}
	if err != nil {
		c.cancel()
		transport.CloseIdleConnections()
		return fmt.Errorf("engine.io: dial %s: %w", c.url, err)
	}
	return nil
}

// request sends one request, whose body is packets, and gives the body of its
// answer.
func (c *Conn) request(ctx context.Context, method string, body []byte, packets []Outgoing) ([]byte, error) {
	if method == http.MethodPost && c.opts.RequestTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.RequestTimeout)
		defer cancel()
	}
	address := c.address(Polling)
	req, err := http.NewRequestWithContext(c.traced(ctx, method, address.RequestURI(), packets), method, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range c.opts.Header {
		if name == "Host" {
			req.Host = values[0]
			continue
		}
		req.Header[name] = values
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	c.trace.record(trace.In, c.Flow(), trace.HTTP{Status: resp.StatusCode})
	limit := c.maxMessage()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server answered %s: %.200s", resp.Status, answer)
	case len(answer) > limit:
		return nil, fmt.Errorf("the server's answer is larger than %d bytes", limit)
	}
	return answer, nil
}

// traced is ctx for a request: when it has a connection the trace is told of its
// packets and of it.
func (c *Conn) traced(ctx context.Context, method, path string, packets []Outgoing) context.Context {
	if c.trace.rec == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		flow := trace.FlowOf(got.Conn.LocalAddr(), got.Conn.RemoteAddr())
		c.mu.Lock()
		if c.conn == nil {
			c.flow = flow
		}
		c.mu.Unlock()
		for _, p := range packets {
			c.trace.engine(trace.Out, flow, p.typ(), c.id, Polling, p.dataLen())
		}
		c.trace.record(trace.Out, flow, trace.HTTP{Method: method, Path: path})
	}})
}

// poll takes what comes by long-polling, until the session ends or changes to a
// WebSocket.
func (c *Conn) poll() {
	payload := c.early
	c.early = nil
	for {
		if len(payload) > 0 {
			for p, err := range splitPayload(payload) {
				if err != nil {
					c.end(ParseError, err)
					c.over()
					return
				}
				if !c.receive(p, Polling) {
					c.over()
					return
				}
			}
		}
		c.mu.Lock()
		stop, ended := c.paused, c.state == closed
		if stop && !ended {
			c.polling = false
			c.rested()
		}
		c.mu.Unlock()
		switch {
		case ended:
			c.over()
			return
		case stop:
			return // the WebSocket goes on
		}
		var err error
		payload, err = c.request(c.requests, http.MethodGet, nil, nil)
		if err != nil {
			c.end(TransportError, err)
			c.over()
			return
		}
	}
}

// rested lets the upgrade go on, where nothing more is under way. The caller has
// mu.
func (c *Conn) rested() {
	if c.paused && !c.polling && !c.flushing && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

var errTooLarge = errors.New("a message is larger than the server takes by long-polling")

// post sends packets, in as many requests as the server's maxPayload wants.
func (c *Conn) post(packets []Outgoing) error {
	for len(packets) > 0 {
		var body []byte
		n := 0
		for n < len(packets) {
			before := len(body)
			if n > 0 {
				body = append(body, separator)
			}
			body = appendText(body, packets[n], false)
			if c.maxPayload > 0 && len(body) > c.maxPayload {
				if n == 0 {
					return errTooLarge
				}
				body = body[:before]
				break
			}
			n++
		}
		if _, err := c.request(c.requests, http.MethodPost, body, packets[:n]); err != nil {
			return err
		}
		c.mu.Lock()
		for _, p := range packets[:n] {
			if p.typ() != packetClose {
				c.queue.wrote(p)
			}
		}
		c.mu.Unlock()
		packets = packets[n:]
	}
	return nil
}
