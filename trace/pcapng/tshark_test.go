package pcapng

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/trace"
)

// tshark runs tshark on a file and gives its lines. It says nothing on its
// standard error, but for the warning that it should not run as root.
func tshark(t *testing.T, file string, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tshark", append([]string{"-r", file, "-n"}, args...)...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	require.NoError(t, cmd.Run(), complaints.String())
	for line := range strings.Lines(complaints.String()) {
		require.Contains(t, line, "Running as user")
	}
	if out.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func needsTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tshark is not installed, and CI has to have it")
		}
		t.Skip("tshark is not installed (Debian: apt install tshark)")
	}
}

// checksum is the Internet checksum (RFC 1071).
func checksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, p := range parts { // each of an even length but the last
		for i := 0; i+1 < len(p); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(p[i:]))
		}
		if len(p)%2 == 1 {
			sum += uint32(p[len(p)-1]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// tcp4 makes an IPv4 packet with a TCP segment (RFC 791 §3.1, RFC 9293 §3.1),
// checksums and all: headers and payload as two pieces.
func tcp4(from, to netip.AddrPort, flags trace.Flags, seq, ack uint32, payload []byte) [][]byte {
	be := binary.BigEndian
	b := []byte{0x45, 0}
	b = be.AppendUint16(b, uint16(40+len(payload)))
	b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0) // don't fragment, TTL 64, TCP
	b = append(b, from.Addr().AsSlice()...)
	b = append(b, to.Addr().AsSlice()...)
	be.PutUint16(b[10:], checksum(b))

	b = be.AppendUint16(b, from.Port())
	b = be.AppendUint16(b, to.Port())
	b = be.AppendUint32(b, seq)
	b = be.AppendUint32(b, ack)
	b = append(b, 5<<4, byte(flags), 0xfa, 0xf0, 0, 0, 0, 0)
	pseudo := append([]byte{0, 6}, be.AppendUint16(nil, uint16(20+len(payload)))...)
	be.PutUint16(b[36:], checksum(b[12:20], pseudo, b[20:], payload))
	return [][]byte{b, payload}
}

// wire is a TCP connection that exists in a capture only: what the two ends
// say becomes segments of it.
type wire struct {
	t    *testing.T
	w    *Writer
	id   int
	mu   sync.Mutex
	now  time.Time
	addr [2]netip.AddrPort // the client's, the server's
	next [2]uint32         // sequence numbers
}

func (w *wire) segment(from int, flags trace.Flags, payload []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	to := 1 - from
	var ack uint32
	if flags&trace.ACK != 0 {
		ack = w.next[to]
	}
	err := w.w.WritePacket(w.id, Packet{
		Time: w.now, Dir: trace.Direction(1 + from), // the capture is the server's: the client's are in
		Data: tcp4(w.addr[from], w.addr[to], flags, w.next[from], ack, payload),
	})
	require.NoError(w.t, err)
	w.next[from] += uint32(len(payload))
	if flags&(trace.SYN|trace.FIN) != 0 {
		w.next[from]++
	}
	w.now = w.now.Add(1001 * time.Nanosecond)
}

// end is an end of a net.Pipe whose writes are seen on the wire.
type end struct {
	net.Conn
	wire *wire
	from int
}

func (e end) Write(b []byte) (int, error) {
	e.wire.segment(e.from, trace.PSH|trace.ACK, b)
	return e.Conn.Write(b)
}

// tshark reads a capture without a complaint: time to the nanosecond,
// interfaces, direction and comments are there, checksums are right, and with
// the secrets in the file it reads what was said over TLS.
func TestTsharkReadsIt(t *testing.T) {
	needsTshark(t)
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	w, err := NewWriter(file, Options{App: "strata test"})
	require.NoError(t, err)
	tun, err := w.AddInterface(Interface{Name: "strata0", Description: "a TUN device", LinkType: LinkTypeRaw})
	require.NoError(t, err)
	tap, err := w.AddInterface(Interface{Name: "tap0", LinkType: LinkTypeEthernet})
	require.NoError(t, err)

	// Who has 10.77.0.2? (RFC 826)
	arp := append(bytes.Repeat([]byte{0xff}, 6), 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 77, 0, 1, 0, 0, 0, 0, 0, 0, 10, 77, 0, 2)
	require.NoError(t, w.WritePacket(tap, Packet{Time: noon, Dir: trace.In, Data: [][]byte{arp}, Comment: "who is there? — я"}))

	conn := &wire{t: t, w: w, id: tun, now: noon.Add(time.Second),
		addr: [2]netip.AddrPort{netip.MustParseAddrPort("10.77.0.1:40122"), netip.MustParseAddrPort("10.77.0.2:443")},
		next: [2]uint32{1 << 31, 1<<32 - 2},
	}
	conn.segment(0, trace.SYN, nil)
	conn.segment(1, trace.SYN|trace.ACK, nil)
	conn.segment(0, trace.ACK, nil)
	talkTLS(t, conn, w.KeyLog())
	conn.segment(0, trace.FIN|trace.ACK, nil)
	conn.segment(1, trace.FIN|trace.ACK, nil)
	conn.segment(0, trace.ACK, nil)
	require.NoError(t, w.Close())

	checks := []string{"-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}
	// Nothing malformed, and no warning of tshark's experts (0x600000).
	require.Empty(t, tshark(t, path, append(checks, "-Y", "_ws.malformed || _ws.expert.severity >= 0x600000")...))
	require.Empty(t, tshark(t, path, append(checks, "-Y", "tcp.checksum.status != 1 || ip.checksum.status != 1")...))

	fields := func(filter string, names ...string) []string {
		args := []string{"-T", "fields", "-Y", filter}
		for _, n := range names {
			args = append(args, "-e", n)
		}
		return tshark(t, path, args...)
	}
	const in, out = "frame.packet_flags_direction == 1 && ", "frame.packet_flags_direction == 2 && "
	require.Equal(t, []string{"1795348800.123456789\ttap0\twho is there? — я"},
		fields(in+"arp", "frame.time_epoch", "frame.interface_name", "frame.comment"))
	require.Equal(t, []string{"1795348801.123456789\tstrata0\ta TUN device\t2147483648"},
		fields(in+"tcp.flags.syn == 1", "frame.time_epoch", "frame.interface_name", "frame.interface_description", "tcp.seq_raw"))
	require.Equal(t, []string{"1795348801.123457790\t4294967294"},
		fields(out+"tcp.flags.syn == 1", "frame.time_epoch", "tcp.seq_raw"))
	// Decrypted by what is in the file.
	require.Equal(t, []string{"GET\t/secret\t", "\t\t200"}, fields("http", "http.request.method", "http.request.uri", "http.response.code"))

	read, err := os.Open(path)
	require.NoError(t, err)
	defer read.Close()
	require.Equal(t, Section{App: "strata test"}, readAll(t, read)[0])
}

// talkTLS has a request and its answer said over TLS on the wire.
func talkTLS(t *testing.T, w *wire, keys io.Writer) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"strata.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(cert)

	const question, answer = "GET /secret HTTP/1.1\r\nHost: strata.test\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	a, b := net.Pipe()
	client := tls.Client(end{a, w, 0}, &tls.Config{ServerName: "strata.test", RootCAs: roots})
	server := tls.Server(end{b, w, 1}, &tls.Config{KeyLogWriter: keys, SessionTicketsDisabled: true,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}})
	served := make(chan error, 1)
	go func() {
		defer server.Close()
		_, err := io.ReadFull(server, make([]byte, len(question)))
		if err == nil {
			_, err = server.Write([]byte(answer))
		}
		served <- err
	}()
	_, err = client.Write([]byte(question))
	require.NoError(t, err)
	said, err := io.ReadAll(client)
	require.NoError(t, err)
	require.Equal(t, answer, string(said))
	require.NoError(t, <-served)
	a.Close()
}
