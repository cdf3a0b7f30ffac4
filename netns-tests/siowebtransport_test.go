package netnstests

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/socketio"
	"strata/socketio/engineio"
	"strata/socketio/interop/checklist"
	"strata/socketio/webtransport"
	"strata/stack"
	"strata/tcp"
	"strata/tun"
	"strata/tun/netconf"
	"strata/udp"
)

// TestSocketIOWebTransport has npm's client open WebTransport in Chromium, whose
// QUIC it is, from a namespace: at once, and as the upgrade of a session that was
// long-polling. Our UDP answers, and for the page and the polls our TCP.
func TestSocketIOWebTransport(t *testing.T) {
	need(t, root, tunDevice, program("ip", "node", "chromium"), npm, interop)
	ns, host := hostInNamespace(t)
	cert := certificateFor(t, "10.77.0.2")
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	sio := checklist.Server(&socketio.Options{
		Transports:  []engineio.Transport{engineio.Polling, engineio.WebSocket, engineio.WebTransport},
		ClientFiles: os.DirFS(filepath.Join(interopFolder, "node_modules/socket.io/client-dist")),
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", sio)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `<!DOCTYPE html><script src="/socket.io/socket.io.js"></script>`) // the browser says what it misses
	})
	ln, err := (&tcp.ListenConfig{Host: host}).Listen(t.Context(), "tcp", "10.77.0.2:443")
	require.NoError(t, err)
	packets, err := udp.Listen(host, "udp", "10.77.0.2:443")
	require.NoError(t, err)
	web := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)} // of a browser that ends its handshakes early
	wts := webtransport.NewServer(sio.Engine(), &webtransport.Options{TLSConfig: conf, Path: "/socket.io/"})
	served := make(chan error, 2)
	go func() { served <- web.Serve(tls.NewListener(ln, conf)) }()
	go func() { served <- wts.Serve(packets) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, sio.Close(ctx))
		require.NoError(t, web.Close())
		require.NoError(t, wts.Close())
		for range 2 {
			require.ErrorIs(t, <-served, http.ErrServerClosed)
		}
		require.NoError(t, packets.Close())
	})
	hash := sha256.Sum256(cert.Certificate[0])
	playwright, err := filepath.Abs("node")
	require.NoError(t, err)
	requireChecks(t, output(t, ns.command("node", filepath.Join(interopFolder, "browser.cjs"), "https://10.77.0.2/", fmt.Sprintf("%x", hash), playwright)))
}

// certificateFor is one that a browser takes by its hash: ECDSA, for two weeks at
// most (https://www.w3.org/TR/webtransport/#certificate-hashes).
func certificateFor(t *testing.T, addr string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: addr}, IPAddresses: []net.IP{net.ParseIP(addr)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// hostInNamespace is a host of ours, 10.77.0.2, behind a TUN device of a new
// namespace.
func hostInNamespace(t *testing.T) (*namespace, *stack.Host) {
	ns := newNamespace(t)
	dev, err := tun.Open(tun.Config{Name: "strata0", Netns: ns.name})
	require.NoError(t, err)
	host := stack.New(stack.Config{Name: "server"})
	t.Cleanup(func() { host.Close() })
	_, err = host.Attach(dev, netip.MustParsePrefix("10.77.0.2/24"))
	require.NoError(t, err)
	require.NoError(t, netconf.Configure(ns.name, dev.Name(), netconf.Config{
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")}, Up: true,
	}))
	return ns, host
}

// requireChecks has everything have worked that a client checked.
func requireChecks(t *testing.T, out string) {
	checks, err := checklist.Read([]byte(out))
	require.NoError(t, err)
	for _, c := range checks {
		t.Run(c.Name, func(t *testing.T) { require.Empty(t, c.Error) })
	}
}
