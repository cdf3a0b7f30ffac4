package netnstests

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tshark, which shares no code with us, reads the capture: no packet is
// malformed, no checksum is wrong, and its handshake is the one that we told.
func TestCapture(t *testing.T) {
	need(t, root, tunDevice, program("ip", "curl", "dig", "ping", "tshark"), npm)
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"tun", nil},
		{"tun without offload", []string{"--offload", "off"}},
		{"tap", []string{"--tap"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			file := filepath.Join(t.TempDir(), "wire.pcapng")
			s := serve(t, ns, append([]string{"--pcap", file}, tt.args...)...)
			// One of everything that the server speaks, over both versions of IP.
			for _, url := range []string{s.url(), s.url6(t)} {
				s.curl(t, url)
				startEcho(t, s, url, echoSizes)
				startChat(t, s, url, "polling,websocket")
			}
			for _, address := range []string{"10.77.0.2", "fd77::2"} {
				dig(t, ns, "@"+address+" strata.test AAAA")
				ping(t, ns, address, 20000)
			}
			s.stop(t)

			require.Empty(t, tshark(t, file, "_ws.malformed"))
			for _, proto := range []string{"ip", "tcp", "udp", "icmp", "icmpv6"} {
				require.NotEmpty(t, tshark(t, file, proto), "packets of %s", proto)
				// 1 is "good": it was there, and it was compared.
				require.Empty(t, tshark(t, file, proto+" && !("+proto+".checksum.status == 1)"), "checksums of %s", proto)
			}
			requireSameHandshakes(t, file, s)
		})
	}
}

// requireSameHandshakes checks that tshark sees the segments that open
// connections as we told them: every SYN and SYN-ACK, and all of the first
// handshake, in its order.
func requireSameHandshakes(t *testing.T, file string, s *server) {
	t.Helper()
	var told []string
	for _, e := range s.events(t) {
		if e.Segment != nil && strings.Contains(e.Segment.Flags, "SYN") {
			told = append(told, e.wire())
		}
	}
	require.ElementsMatch(t, told, segments(t, file, "tcp.flags.syn == 1"))

	first := s.handshake(t)
	port := first[0].Remote[strings.LastIndex(first[0].Remote, ":")+1:]
	seen := segments(t, file, "tcp.port == "+port)
	require.GreaterOrEqual(t, len(seen), len(first))
	for i, e := range first {
		require.Equal(t, e.wire(), seen[i], "the first handshake's %s", e.Segment.Flags)
	}
}

// wire is one line about the event's segment, as segments has it.
func (e event) wire() string {
	from, to := e.Remote, e.Local
	if e.Dir == "out" {
		from, to = to, from
	}
	line := fmt.Sprintf("%s > %s %s seq=%d ack=%d len=%d", from, to, e.Segment.Flags, e.Segment.Seq, e.Segment.Ack, e.Segment.Len)
	o := e.Segment.Options
	if o.MSS != 0 {
		line += fmt.Sprintf(" mss=%d", o.MSS)
	}
	if o.WS != nil {
		line += fmt.Sprintf(" ws=%d", *o.WS)
	}
	if o.SACKOK {
		line += " sackOK"
	}
	if o.TS != nil {
		line += fmt.Sprintf(" ts=%d/%d", o.TS.Val, o.TS.Ecr)
	}
	return line
}

// segments are the TCP segments in a capture that match a filter, as tshark
// reads them.
func segments(t testing.TB, file, filter string) []string {
	t.Helper()
	var out []string
	for _, f := range tshark(t, file, filter,
		"ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len",
		"tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.sack_perm",
		"tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr") {
		flags := map[string]string{"0x0002": "SYN", "0x0012": "SYN-ACK", "0x0010": "ACK"}[f[6]]
		line := fmt.Sprintf("%s > %s %s seq=%s ack=%s len=%s",
			net.JoinHostPort(f[0]+f[1], f[2]), net.JoinHostPort(f[3]+f[4], f[5]), flags, f[7], f[8], f[9])
		for i, option := range []string{" mss=", " ws="} {
			if value := f[10+i]; value != "" {
				line += option + value
			}
		}
		if f[12] != "" { // what is in it differs between versions
			line += " sackOK"
		}
		if f[13] != "" {
			line += " ts=" + f[13] + "/" + f[14]
		}
		out = append(out, line)
	}
	return out
}

// tshark gives the packets of a capture that match a filter: these fields of
// each, or their numbers.
func tshark(t testing.TB, file, filter string, fields ...string) [][]string {
	t.Helper()
	if len(fields) == 0 {
		fields = []string{"frame.number"}
	}
	args := []string{"-r", file, "-n", "-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=f"}
	for _, preference := range []string{
		"ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
		"tcp.relative_sequence_numbers:FALSE",
	} {
		args = append(args, "-o", preference)
	}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var out [][]string
	for line := range strings.Lines(output(t, exec.Command("tshark", args...))) {
		out = append(out, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return out
}
