package cable

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"strata/link"
)

// segment is the view of a TCP segment from 10.0.0.1 to 10.0.0.2 with n bytes.
func segment(t *testing.T, flags header.TCPFlags, n int) *link.View {
	t.Helper()
	b := make([]byte, 40+n)
	header.IPv4(b).Encode(&header.IPv4Fields{
		TotalLength: uint16(len(b)), TTL: 64, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), DstAddr: tcpip.AddrFrom4([4]byte{10, 0, 0, 2}),
	})
	header.TCP(b[20:]).Encode(&header.TCPFields{DataOffset: 20, Flags: flags})
	v := new(link.View)
	require.True(t, v.Parse(header.IPv4ProtocolNumber, b))
	return v
}

// Each sentence, and what becomes of the three packets of a handshake and four
// segments with data behind it.
func TestRulesDoWhatTheySay(t *testing.T) {
	const syn, ack = header.TCPFlagSyn, header.TCPFlagAck
	for sentence, want := range map[string]string{
		"drop first syn":                "drop pass pass pass pass pass pass",
		"drop first syn-ack":            "pass drop pass pass pass pass pass",
		"reset first ack":               "pass pass reset pass pass pass pass",
		"delay 3rd data by 200ms":       "pass pass pass pass pass delay 200ms pass",
		"  duplicate   2nd\tdata ":      "pass pass pass pass duplicate pass pass",
		"corrupt every data":            "pass pass pass corrupt corrupt corrupt corrupt",
		"mark every packet":             "mark mark mark mark mark mark mark",
		"drop every udp":                "pass pass pass pass pass pass pass",
		"drop 5th data":                 "pass pass pass pass pass pass pass",
		"reset at byte 0":               "pass pass pass reset reset reset reset",
		"delay first syn-ack by 1m0.5s": "pass delay 1m0.5s pass pass pass pass pass",
	} {
		rule, err := ParseRule(sentence)
		require.NoError(t, err)
		var got []string
		for _, v := range []*link.View{
			segment(t, syn, 0), segment(t, syn|ack, 0), segment(t, ack, 0),
			segment(t, ack, 10), segment(t, ack, 10), segment(t, ack, 10), segment(t, ack, 10),
		} {
			got = append(got, rule(v).String())
		}
		require.Equal(t, want, strings.Join(got, " "), sentence)
	}
}

func TestRulesThatAreNone(t *testing.T) {
	for sentence, want := range map[string]string{
		"":                               `rule "": "": expected delay, corrupt, drop, duplicate, mark or reset`,
		"lose first syn":                 `"lose"`,
		"drop":                           `rule "drop": "": expected first, every, 1st, 2nd, 3rd, 4th and so on`,
		"drop 0th syn":                   `"0th"`,
		"drop 3 syn":                     `"3"`,
		"drop -1st syn":                  `"-1st"`,
		"drop 99999999999th syn":         `"99999999999th"`,
		"drop first packet ever":         `"ever": nothing was expected there`,
		"drop first banana":              `"banana": expected ack, data, fin, handshake-ack, icmp, packet, retransmission, rst, syn, syn-ack or udp`,
		"delay first data":               "delay 3rd data by 200ms",
		"delay first data by 200":        "delay 3rd data by 200ms",
		"delay first data by -1s":        "delay 3rd data by 200ms",
		"delay first data by 61m":        "delay 3rd data by 200ms",
		"delay first data by 1s for all": `"for": nothing was expected there`,
		"reset at byte -1":               "reset at byte 10000",
		"reset at byte":                  "reset at byte 10000",
		"reset at byte 1 2":              "reset at byte 10000",
		strings.Repeat("long ", 1000):    "…",
	} {
		_, err := ParseRule(sentence)
		require.ErrorContains(t, err, want)
		require.Less(t, len(err.Error()), 400, "one line that can be read")
		require.NotContains(t, err.Error(), "\n")
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"drop first syn-ack", "delay 3rd data by 200ms", "reset at byte 10000", "corrupt every udp", "drop 2147483648th fin", "mark\n1st\xffpacket"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rule, err := ParseRule(s)
		if (rule == nil) == (err == nil) {
			t.Fatalf("%q: a rule or an error, not %v and %v", s, rule != nil, err)
		}
		if err != nil && (len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\r\n")) {
			t.Fatalf("%q: not one line: %q", s, err)
		}
	})
}
