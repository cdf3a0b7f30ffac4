package lab

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// authority signs certificates for the hosts of a world. Its keys are Ed25519:
// signatures of ECDSA vary in size, and with them the packets.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
	pool *x509.CertPool
	now  time.Time
}

// lifetime of the certificates: longer than worlds last.
const lifetime = 100 * 365 * 24 * time.Hour

// newAuthority makes an authority with a key from random.
func newAuthority(random io.Reader, now time.Time) (*authority, error) {
	a := &authority{now: now, pool: x509.NewCertPool()}
	template := a.template(0, "lab authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	public, key, err := newKey(random)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(random, template, template, public, key)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	a.key = key
	a.pool.AddCert(a.cert)
	return a, nil
}

func newKey(random io.Reader) (ed25519.PublicKey, ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	return key.Public().(ed25519.PublicKey), key, nil
}

func (a *authority) template(number int, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(int64(number) + 1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    a.now.Add(-time.Hour),
		NotAfter:     a.now.Add(lifetime),
	}
}

// certificate is for the host of that number, from 1, that name and those
// addresses.
func (a *authority) certificate(random io.Reader, number int, name string, addrs ...netip.Addr) (tls.Certificate, error) {
	template := a.template(number, name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = []string{name}
	for _, addr := range addrs {
		template.IPAddresses = append(template.IPAddresses, net.IP(addr.AsSlice()))
	}
	public, key, err := newKey(random)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(random, template, a.cert, public, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for %s: %w", name, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// sharedReader lets connections take turns at a reader.
type sharedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (s *sharedReader) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}

// TLSConfig is what a host of the world serves and dials TLS with: a certificate
// of the world's authority for its name and addresses, and trust in those of the
// others. Where the world is captured, the keys go into the capture.
func (w *World) TLSConfig(h *Host) *tls.Config {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ca == nil {
		ca, err := newAuthority(random(w.seed, "authority"), w.began)
		if err != nil {
			w.t.Fatalf("lab: %v", err)
		}
		w.ca = ca
	}
	if h.cert == nil {
		cert, err := w.ca.certificate(random(w.seed, "certificate "+h.Name()), h.index, h.Name(), h.addr4, h.addr6)
		if err != nil {
			w.t.Fatalf("lab: %v", err)
		}
		h.cert = &cert
	}
	c := &tls.Config{Certificates: []tls.Certificate{*h.cert}, RootCAs: w.ca.pool, ClientCAs: w.ca.pool, Time: w.clock.Now}
	if !testing.Testing() { // where crypto/rand cannot be made to repeat
		c.Rand = &sharedReader{r: random(w.seed, "tls "+h.Name())}
	}
	var logs []io.Writer
	for _, capture := range w.captures {
		logs = append(logs, capture)
	}
	if len(logs) > 0 {
		c.KeyLogWriter = io.MultiWriter(logs...)
	}
	return c
}
