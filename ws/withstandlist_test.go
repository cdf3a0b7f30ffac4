package ws

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withstood is what a peer may try, and the tests that try it. Where a test is a
// table, the name behind the slash is the case's.
var withstood = map[string][]string{
	"a length of 2^63-1, of 2^62, or with the top bit set":  {"TestConformance/length 2^63-1", "TestConformance/length 2^62", "TestConformance/length with the top bit", "TestFailsAtTheFirstWrongByte"},
	"a length in more bytes than it needs":                  {"TestConformance/length %d in 16 bits", "TestConformance/length %d in 64 bits"},
	"memory by a declared length":                           {"TestDeclaredLengthIsNotAllocated"},
	"a million empty fragments, plain and compressed":       {"TestFragmentsAreCountedByCost", "TestWithstandsFragmentsThatInflateToNothing", "TestWithstandsBlocksThatInflateToNothing"},
	"65,536 fragments of 64 bytes, which are a message":     {"TestFragmentsAreCountedByCost", "TestManyCompressedFragmentsAreAMessage"},
	"a compression bomb":                                    {"TestWithstandsACompressionBomb", "TestReaderOfACompressedMessageWithoutLimit"},
	"garbage in place of DEFLATE":                           {"TestWithstandsGarbageDeflate", "TestConformanceOfDeflate/a block of reserved type"},
	"reserved bits while compression is on":                 {"TestConformanceOfDeflate/RSV1 on a continuation", "TestConformanceOfDeflate/RSV1 on a ping", "TestConformanceOfDeflate/reserved bits %#x, opcode %d"},
	"a flood of pings from a peer that does not read":       {"TestPingFlood", "TestWithstandsAPingFloodInEventMode", "TestLatestPingIsAnswered"},
	"a handshake one byte a second":                         {"TestUpgradeWithstandsASlowHandshake"},
	"1,000 headers, a header of 1 MiB":                      {"TestUpgradeRefuses/1,000 headers", "TestUpgradeRefuses/a header of 1 MiB"},
	"extensions and subprotocols of 100 KB":                 {"TestExtensionsInLinearTime", "TestSubprotocolsInLinearTime", "TestAcceptRequest/a long list of extensions"},
	"frames of a client unmasked, of a server masked":       {"TestConformance/wrongly masked text"},
	"a close frame that is wrong":                           {"TestConformance/close with one byte", "TestConformance/close whose reason is not UTF-8", "TestConformance/close "},
	"data after close":                                      {"TestConformance/data after close"},
	"RST at each step":                                      {"TestWithstandsResetAtEachStep", "TestReset", "TestHTTP2Reset"},
	"a reader that stops":                                   {"TestWithstandsAReaderThatStops", "TestHandlerGivesUpWhoDoesNotRead", "TestHTTP2ReaderThatStops", "TestQueue"},
	"a page of another site":                                {"TestAcceptRequest/origin: other host", "TestHTTP2Refuses/foreign origin"},
	"masks that can be guessed":                             {"TestMaskSource"},
	"a key of 15 bytes, not in base64, or twice":            {"TestAcceptRequest/key of 15 bytes", "TestAcceptRequest/key that is not base64", "TestAcceptRequest/two keys"},
	"version 12, HTTP/1.0":                                  {"TestAcceptRequest/version 12", "TestAcceptRequest/HTTP/1.0"},
	"a frame sent together with the handshake":              {"TestAcceptWithFirstFrame"},
	"offers with 7 or 16 bits, unknown or twice parameters": {"TestServerNegotiatesDeflate/7 bits", "TestServerNegotiatesDeflate/16 bits", "TestServerNegotiatesDeflate/an unknown parameter", "TestServerNegotiatesDeflate/a parameter twice"},
}

// What the list names is there.
func TestWithstandList(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		all.Write(b)
	}
	for attack, tests := range withstood {
		for _, name := range tests {
			test, row, isRow := strings.Cut(name, "/")
			require.True(t, strings.Contains(all.String(), "func "+test+"("), "%s: %s", attack, test)
			require.True(t, !isRow || strings.Contains(all.String(), `"`+row), "%s: %s", attack, name)
		}
	}
}

// A header of 2 MB takes linear time, however many there are and whatever the server
// speaks.
func TestSubprotocolsInLinearTime(t *testing.T) {
	for _, unit := range []string{"a,", ",", " ", "a\t,", "chat2,"} {
		got, no := chooseSubprotocol(http.Header{headerProtocol: {strings.Repeat(unit, 2_000_000/len(unit)) + "chat"}}, []string{"superchat", "chat"})
		require.Nil(t, no)
		require.Equal(t, "chat", got)
	}
}
