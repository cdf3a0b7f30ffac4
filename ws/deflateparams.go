package ws

import (
	"fmt"
	"net/http"
	"strconv"
)

// Compression is how messages are compressed: permessage-deflate (RFC 7692),
// where the peer can it too. The zero value works. The four parameters have
// their names and meanings from RFC 7692 §7.1, on either side.
type Compression struct {
	// Level is from 1, the fastest, to 9, the smallest. 0: 1. Where the
	// window has less than 15 bits there is one level only.
	Level int

	// Threshold is the smallest message that is compressed, bytes. 0: 256;
	// negative: all. One that does not become smaller is sent as it is.
	Threshold int

	// History is how much of what was sent a connection remembers to refer
	// to, bytes, where there is context takeover: more of it makes similar
	// messages smaller, and costs its own size a connection and time a
	// message. 0: 8 KiB; at most the window.
	History int

	// ServerNoContextTakeover has the server compress each message by
	// itself, ClientNoContextTakeover the client. A sender then remembers
	// nothing between messages, and its peer needs not either.
	ServerNoContextTakeover bool
	ClientNoContextTakeover bool

	// ServerMaxWindowBits is the largest window that the server compresses
	// with, ClientMaxWindowBits the client, as its logarithm: 8 (256 bytes)
	// to 15 (32 KiB). 0: 15. A server declines to compress where the
	// client cannot be held to ClientMaxWindowBits.
	ServerMaxWindowBits int
	ClientMaxWindowBits int
}

const (
	deflateName      = "permessage-deflate"
	defaultThreshold = 256
	defaultHistory   = 8 << 10
)

// check says what is wrong with the options.
func (o *Compression) check() error {
	if o.Level < 0 || o.Level > 9 {
		return fmt.Errorf("compression level %d; use 1 to 9, or 0 for the default", o.Level)
	}
	for _, bits := range []int{o.ServerMaxWindowBits, o.ClientMaxWindowBits} {
		if bits != 0 && (bits < 8 || bits > 15) {
			return fmt.Errorf("window of %d bits; use 8 to 15, or 0 for 15", bits)
		}
	}
	return nil
}

// deflateParams is what both sides agreed on, or an offer: the bits are never 0.
type deflateParams struct {
	serverNoTakeover, clientNoTakeover bool
	serverBits, clientBits             int
	clientBitsGiven, serverBitsGiven   bool // the parameter was there
}

func (o *Compression) params() deflateParams {
	p := deflateParams{
		serverNoTakeover: o.ServerNoContextTakeover, clientNoTakeover: o.ClientNoContextTakeover,
		serverBits: o.ServerMaxWindowBits, clientBits: o.ClientMaxWindowBits,
	}
	if p.serverBits == 0 {
		p.serverBits = 15
	}
	if p.clientBits == 0 {
		p.clientBits = 15
	}
	return p
}

// parseDeflate reads the parameters of an offer or of the answer to one. Unknown
// ones, ones that come twice and values that may not be are errors (RFC 7692
// §7.1); in an offer client_max_window_bits may be without a value.
func parseDeflate(e extension, offer bool) (p deflateParams, err error) {
	p.serverBits, p.clientBits = 15, 15
	seen := make(map[string]bool, len(e.params))
	for _, param := range e.params {
		if seen[param.name] {
			return p, fmt.Errorf("parameter %s twice", param.name)
		}
		seen[param.name] = true
		bits, isBits := windowBits(param.value)
		switch {
		case param.name == "server_no_context_takeover" && !param.hasValue:
			p.serverNoTakeover = true
		case param.name == "client_no_context_takeover" && !param.hasValue:
			p.clientNoTakeover = true
		case param.name == "server_max_window_bits" && isBits:
			p.serverBits, p.serverBitsGiven = bits, true
		case param.name == "client_max_window_bits" && isBits:
			p.clientBits, p.clientBitsGiven = bits, true
		case param.name == "client_max_window_bits" && offer && !param.hasValue:
			p.clientBitsGiven = true
		default:
			return p, fmt.Errorf("parameter %.40s=%.40q", param.name, param.value)
		}
	}
	if len(e.params) >= maxExtensionParams {
		return p, fmt.Errorf("%d parameters or more", maxExtensionParams)
	}
	return p, nil
}

// windowBits is a number from 8 to 15 without leading zeroes.
func windowBits(s string) (int, bool) {
	bits, err := strconv.Atoi(s)
	return bits, err == nil && bits >= 8 && bits <= 15 && strconv.Itoa(bits) == s
}

// acceptDeflate is the server's choice: the first of the client's offers that can
// be met (RFC 7692 §5.1), and the answer to it; "" where there is none.
func (o *Compression) acceptDeflate(h http.Header) (p deflateParams, answer string) {
	ours := o.params()
	eachExtension(h, func(e extension) bool {
		if e.name != deflateName {
			return true
		}
		offer, err := parseDeflate(e, true)
		if err != nil || ours.clientBits < 15 && !offer.clientBitsGiven {
			return true
		}
		p = deflateParams{
			serverNoTakeover: offer.serverNoTakeover || ours.serverNoTakeover,
			clientNoTakeover: offer.clientNoTakeover || ours.clientNoTakeover,
			serverBits:       min(offer.serverBits, ours.serverBits),
			clientBits:       min(offer.clientBits, ours.clientBits),
		}
		p.serverBitsGiven = offer.serverBitsGiven || p.serverBits < 15
		p.clientBitsGiven = offer.clientBitsGiven && p.clientBits < 15
		answer = p.String()
		return false
	})
	return p, answer
}

// offer is what a client asks for. That it can be told to keep to a smaller
// window is said always.
func (o *Compression) offer() string {
	p := o.params()
	p.serverBitsGiven = p.serverBits < 15
	p.clientBitsGiven = p.clientBits < 15
	s := p.String()
	if !p.clientBitsGiven {
		s += "; client_max_window_bits"
	}
	return s
}

// String is the extension with its parameters, as in the header.
func (p deflateParams) String() string {
	s := deflateName
	if p.serverNoTakeover {
		s += "; server_no_context_takeover"
	}
	if p.clientNoTakeover {
		s += "; client_no_context_takeover"
	}
	if p.serverBitsGiven {
		s += "; server_max_window_bits=" + strconv.Itoa(p.serverBits)
	}
	if p.clientBitsGiven {
		s += "; client_max_window_bits=" + strconv.Itoa(p.clientBits)
	}
	return s
}

// checkAnswer judges what the server answered to our offer (RFC 7692 §5.1): nil
// where it does not compress. o is nil where nothing was offered.
func (o *Compression) checkAnswer(h http.Header) (*deflateParams, error) {
	var answers []extension
	if !eachExtension(h, func(e extension) bool { answers = append(answers, e); return len(answers) < 2 }) {
		return nil, fmt.Errorf("the server's Sec-WebSocket-Extensions is malformed: %.100q", h[headerExtensions])
	}
	switch {
	case len(answers) == 0:
		return nil, nil
	case o == nil || len(answers) > 1 || answers[0].name != deflateName:
		return nil, fmt.Errorf("the server uses extensions that were not offered: %.100q", h[headerExtensions])
	}
	p, err := parseDeflate(answers[0], false)
	if err != nil {
		return nil, fmt.Errorf("the server's permessage-deflate has %w", err)
	}
	ours := o.params()
	switch {
	case ours.serverNoTakeover && !p.serverNoTakeover:
		return nil, fmt.Errorf("the server does not keep to server_no_context_takeover: %.100q", h[headerExtensions])
	case ours.serverBits < 15 && (!p.serverBitsGiven || p.serverBits > ours.serverBits):
		return nil, fmt.Errorf("the server does not keep to server_max_window_bits=%d: %.100q", ours.serverBits, h[headerExtensions])
	case p.clientBitsGiven && p.clientBits > ours.clientBits:
		return nil, fmt.Errorf("the server answers client_max_window_bits=%d to an offer of %d", p.clientBits, ours.clientBits)
	}
	p.clientBits = min(p.clientBits, ours.clientBits)
	p.clientNoTakeover = p.clientNoTakeover || ours.clientNoTakeover
	return &p, nil
}
