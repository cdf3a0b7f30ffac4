package tlsrecord_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
	"strata/trace/tlsrecord"
)

// spoken is what went over a connection, in the order in which the client saw it.
type spoken struct {
	dir trace.Direction
	p   []byte
}

// overheard is a connection whose bytes are kept.
type overheard struct {
	net.Conn
	all *[]spoken
}

func (o overheard) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	if n > 0 {
		*o.all = append(*o.all, spoken{trace.In, slices.Clone(p[:n])})
	}
	return n, err
}

func (o overheard) Write(p []byte) (int, error) {
	*o.all = append(*o.all, spoken{trace.Out, slices.Clone(p)})
	return o.Conn.Write(p)
}

func certificate(t testing.TB) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"server"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// converse has crypto/tls shake hands, say "ping" and "pong", and close. What is
// wrong with the handshake both ends see.
func converse(t testing.TB, client, server *tls.Config) (all []spoken, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // both may write before they read, as they cannot to a net.Pipe
	require.NoError(t, err)
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	b, err := ln.Accept()
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		s := tls.Server(b, server)
		defer s.Close()
		p := make([]byte, 4)
		if _, err := io.ReadFull(s, p); err != nil {
			done <- err
			return
		}
		_, err := io.WriteString(s, "pong")
		done <- err
	}()
	c := tls.Client(overheard{a, &all}, client)
	_, err = io.WriteString(c, "ping")
	if err == nil {
		_, err = io.ReadFull(c, make([]byte, 4))
		require.NoError(t, err)
		require.NoError(t, <-done)
	} else {
		a.Close()
		<-done
	}
	a.Close()
	return all, err
}

// records reads what was spoken.
func records(all []spoken) (read map[trace.Direction][]trace.TLSRecord) {
	var c tlsrecord.Conn
	read = map[trace.Direction][]trace.TLSRecord{}
	for _, s := range all {
		c.Pass(s.dir, s.p, func(r trace.TLSRecord) { read[s.dir] = append(read[s.dir], r) })
	}
	return read
}

// steps are the steps in a direction; records that are none are their type.
func steps(all []trace.TLSRecord) (names []string) {
	for _, r := range all {
		if r.Step != "" {
			names = append(names, r.Step)
		} else {
			names = append(names, r.Type)
		}
	}
	return names
}

// The handshakes of crypto/tls, step by step.
func TestSteps(t *testing.T) {
	cert := certificate(t)
	const in, out = trace.In, trace.Out
	const data, ccs, more = "application data", "change cipher spec", "encrypted handshake"
	for _, c := range []struct {
		name           string
		client, server *tls.Config
		sent, received []string
	}{
		{
			name:     "TLS 1.3",
			sent:     []string{"client hello", ccs, "finished", data},
			received: []string{"server hello", ccs, more, more, more, more, data},
		},
		{
			name:     "TLS 1.3, and the server wants another key",
			client:   &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP384}},
			server:   &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}},
			sent:     []string{"client hello", ccs, "client hello", "finished", data},
			received: []string{"hello retry request", ccs, "server hello", more, more, more, more, data},
		},
		{
			name:     "TLS 1.2",
			client:   &tls.Config{MaxVersion: tls.VersionTLS12},
			sent:     []string{"client hello", "client key exchange", ccs, "finished", data},
			received: []string{"server hello", "certificate", "server key exchange", "server hello done", ccs, "finished", data},
		},
		{
			name:     "no version in common",
			client:   &tls.Config{MaxVersion: tls.VersionTLS12},
			server:   &tls.Config{MinVersion: tls.VersionTLS13},
			sent:     []string{"client hello"},
			received: []string{"protocol version not supported"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server := c.client.Clone(), c.server.Clone()
			if client == nil {
				client = &tls.Config{}
			}
			if server == nil {
				server = &tls.Config{}
			}
			client.InsecureSkipVerify, server.Certificates = true, []tls.Certificate{cert}
			server.SessionTicketsDisabled = true // a server may give one, or not
			all, err := converse(t, client, server)
			require.Equal(t, c.name == "no version in common", err != nil)
			read := records(all)
			sent, received := steps(read[out]), steps(read[in])
			require.Equal(t, c.sent, sent[:min(len(sent), len(c.sent))])
			require.Equal(t, c.received, received[:min(len(received), len(c.received))])
			for dir, rs := range read {
				sum, at := 0, uint64(0)
				for _, s := range all {
					if s.dir == dir {
						sum += len(s.p)
					}
				}
				for _, r := range rs { // one behind the other, all of the stream
					require.Equal(t, at, r.From)
					at = r.To
				}
				require.EqualValues(t, sum, at)
			}
		})
	}
}

// What is not TLS is not read, however it begins.
func TestNotTLS(t *testing.T) {
	var c tlsrecord.Conn
	for _, p := range []string{"GET / HTTP/1.1\r\n", "\x16\x03\x01\x00\x00", "\x16\x03\x01\xff\xff"} {
		c.Pass(trace.In, []byte(p), func(r trace.TLSRecord) { t.Fatalf("%v", r) })
	}
	c.Pass(trace.Out, []byte("\x16\x02\x00\x00\x01"), func(r trace.TLSRecord) { t.Fatalf("%v", r) })
}

// Of any bytes, in any pieces, the same records are read, each at its place, and
// their steps stay short.
func FuzzPass(f *testing.F) {
	cert := certificate(f)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		all, err := converse(f, &tls.Config{InsecureSkipVerify: true, MaxVersion: version}, &tls.Config{Certificates: []tls.Certificate{cert}})
		require.NoError(f, err)
		var in, out []byte
		for _, s := range all {
			if s.dir == trace.In {
				in = append(in, s.p...)
			} else {
				out = append(out, s.p...)
			}
		}
		f.Add(in, out, uint8(7))
	}
	f.Add([]byte("\x15\x03\x03\x00\x02\x02\x28"), []byte("\x16\x03\x01\x00\x00\x16\x03\x01\x00\x04\x01\x00\x00\x00"), uint8(1))
	f.Fuzz(func(t *testing.T, in, out []byte, piece uint8) {
		whole := map[trace.Direction][]trace.TLSRecord{}
		var c, cut tlsrecord.Conn
		for _, one := range []spoken{{trace.In, in}, {trace.Out, out}} {
			c.Pass(one.dir, one.p, func(r trace.TLSRecord) { whole[one.dir] = append(whole[one.dir], r) })
			var pieces []trace.TLSRecord
			for p := range slices.Chunk(one.p, int(piece)+1) {
				cut.Pass(one.dir, p, func(r trace.TLSRecord) { pieces = append(pieces, r) })
			}
			require.Equal(t, whole[one.dir], pieces)
			at := uint64(0)
			for _, r := range pieces {
				require.Equal(t, at, r.From)
				require.GreaterOrEqual(t, r.To, r.From+5)
				require.LessOrEqual(t, len(r.Step), 8*len("encrypted extensions, "))
				at = r.To
			}
			require.LessOrEqual(t, at, uint64(len(one.p)))
		}
	})
}

// What reading costs, a record of 1,000 bytes at a time.
func BenchmarkPass(b *testing.B) {
	record := append([]byte{23, 3, 3, 3, 232}, make([]byte, 1000)...)
	var c tlsrecord.Conn
	b.ReportAllocs()
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		c.Pass(trace.Out, record, nil)
	}
}
