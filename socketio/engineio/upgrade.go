package engineio

import (
	"context"
	"errors"

	"strata/trace"
	"strata/ws"
)

// upgrade changes a session from long-polling to a WebSocket or a stream
// (https://socket.io/docs/v4/engine-io-protocol/#upgrade): the client asks over
// the new connection ("2probe"), is answered ("3probe"), lets its last poll end
// and says that it changes ("5"). Until then everything else goes by polling.
func (s *Session) upgrade(conn carrier, flow trace.Flow) {
	s.mu.Lock()
	if s.state == closed || s.transport != Polling || s.probe != nil {
		s.mu.Unlock()
		conn.close(ws.StatusPolicyViolation) // a second attempt
		s.server.running.Done()
		return
	}
	s.probe = conn
	s.mu.Unlock()

	if err := s.change(conn, flow); err != nil {
		s.mu.Lock()
		mine := s.probe == conn
		if mine {
			s.probe, s.probed = nil, false
		}
		s.mu.Unlock()
		if mine {
			conn.close(ws.StatusProtocolError)
		} else {
			conn.closeNow()
		}
		s.server.running.Done()
		return // the session goes on as it was
	}
	conn.handle(s, flow)
}

var errProbe = errors.New("not what an upgrade consists of")

// change is the exchange of packets. After it conn carries the session.
func (s *Session) change(conn carrier, flow trace.Flow) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.server.opts.UpgradeTimeout)
	defer cancel()
	for {
		p, err := conn.read(ctx)
		if err != nil {
			return err
		}
		s.server.trace.engine(trace.In, flow, p.typ, s.id, conn.transport(), len(p.data))
		switch {
		case p.typ == packetPing && string(p.data) == "probe":
			pong := outgoingPacket(packetPong, "probe")
			s.server.trace.engine(trace.Out, flow, packetPong, s.id, conn.transport(), pong.dataLen())
			if err := conn.write(pong); err != nil {
				return err
			}
			s.mu.Lock()
			s.probed = true
			s.wakePoll() // it ends with a NOOP
			s.mu.Unlock()
		case p.typ == packetUpgrade:
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.state == closed || s.probe != conn {
				return errProbe
			}
			s.wakePoll() // there should be none
			s.transport, s.conn, s.flow = conn.transport(), conn, flow
			s.server.counters.upgraded.Add(1)
			s.probe, s.probed = nil, false
			for _, fn := range s.onUpgrade {
				s.server.running.Go(func() { fn(conn.transport()) })
			}
			s.onUpgrade = nil
			if len(s.queue.packets) > 0 || s.state == closing {
				s.kick()
			}
			return nil
		default:
			return errProbe
		}
	}
}
