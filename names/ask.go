package names

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/miekg/dns"
)

// ask puts a question to the servers until one of them knows: that there are
// records, or that there are none. It gives the server, for errors. Its own
// error is a *net.DNSError.
func (r *Resolver) ask(ctx context.Context, name string, qtype uint16) (msg *dns.Msg, server string, err error) {
	for range r.config.Attempts {
		for _, s := range r.config.Servers {
			server = s.String()
			msg, err = r.askServer(ctx, s, name, qtype)
			if err == nil {
				return msg, server, nil
			}
			if ctx.Err() != nil {
				return nil, server, dnsError(ctx.Err(), name, server)
			}
		}
	}
	return nil, server, dnsError(err, name, server) // the last one's
}

func dnsError(err error, name, server string) error {
	timeout := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	return &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: name, Server: server, IsTimeout: timeout, IsTemporary: true}
}

// askServer asks one server: with EDNS, without it if the server does not know
// that, and over TCP if the answer did not fit.
func (r *Resolver) askServer(ctx context.Context, server netip.AddrPort, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), qtype)
	q.SetEdns0(maxUDP, false)
	network := "udp"
	for {
		msg, err := r.exchange(ctx, network, server, q)
		switch {
		case err != nil:
			return nil, err
		case msg.Truncated && network == "udp":
			network = "tcp"
			continue
		case (msg.Rcode == dns.RcodeFormatError || msg.Rcode == dns.RcodeNotImplemented) && q.IsEdns0() != nil:
			q.Extra = nil // RFC 6891 §7
			continue
		case msg.Rcode != dns.RcodeSuccess && msg.Rcode != dns.RcodeNameError:
			return nil, fmt.Errorf("server misbehaving: %s", rcode(msg.Rcode))
		case msg.Rcode == dns.RcodeSuccess && len(msg.Answer) == 0 && !msg.Authoritative && !msg.RecursionAvailable:
			return nil, errors.New("server misbehaving: it does not resolve for others, and the name is not its own")
		}
		return msg, nil
	}
}

func rcode(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprintf("code %d", code)
}

// exchange sends a query over a connection of its own, and waits for the
// answer.
func (r *Resolver) exchange(ctx context.Context, network string, server netip.AddrPort, q *dns.Msg) (*dns.Msg, error) {
	// A new id and, by the connection, a new port for each: that is what makes
	// answers hard to forge (RFC 5452 §9.2).
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	q.Id = id
	query, err := q.Pack()
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := r.config.Loop.At(r.config.Loop.Now().Add(r.config.Timeout), func() { cancel(os.ErrDeadlineExceeded) })
	defer timer.Stop()
	conn, err := r.config.Dial(ctx, network, server.String())
	if err != nil {
		return nil, either(context.Cause(ctx), err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	defer stop()

	var msg *dns.Msg
	if network == "tcp" {
		msg, err = overStream(conn, q, query)
	} else {
		msg, err = overDatagrams(conn, q, query)
	}
	if err != nil {
		return nil, either(context.Cause(ctx), err)
	}
	return msg, nil
}

// either is why a context ended, where it has; else err.
func either(cause, err error) error {
	if cause != nil {
		return cause
	}
	return err
}

func (r *Resolver) id() (uint16, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b [2]byte
	_, err := io.ReadFull(r.config.Rand, b[:])
	return binary.BigEndian.Uint16(b[:]), err
}

// overDatagrams waits for the answer among whatever else arrives: a late or a
// forged one must not end the wait for the real one.
func overDatagrams(conn net.Conn, q *dns.Msg, query []byte) (*dns.Msg, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, maxUDP)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		if msg := answerTo(q, buf[:n]); msg != nil {
			return msg, nil
		}
	}
}

// overStream asks over TCP (RFC 1035 §4.2.2: each message behind its length).
func overStream(conn net.Conn, q *dns.Msg, query []byte) (*dns.Msg, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return nil, err
	}
	msg := answerTo(q, buf)
	if msg == nil {
		return nil, errors.New("server misbehaving: that is no answer to the question")
	}
	return msg, nil
}

// answerTo is b as the answer to q; nil where it is none.
func answerTo(q *dns.Msg, b []byte) *dns.Msg {
	msg := new(dns.Msg)
	err := msg.Unpack(b)
	if msg.Id != q.Id || !msg.Response || msg.Opcode != q.Opcode {
		return nil
	}
	if err != nil && !msg.Truncated { // a record that was cut will come over TCP
		return nil
	}
	if len(msg.Question) == 0 && (msg.Rcode == dns.RcodeFormatError || msg.Rcode == dns.RcodeNotImplemented) {
		return msg // of a server that has read no further than the header
	}
	asked := q.Question[0]
	if len(msg.Question) != 1 || msg.Question[0].Qtype != asked.Qtype || msg.Question[0].Qclass != asked.Qclass ||
		!strings.EqualFold(msg.Question[0].Name, asked.Name) {
		return nil
	}
	return msg
}
