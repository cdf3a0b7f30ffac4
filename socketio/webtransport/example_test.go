package webtransport_test

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"

	"strata/socketio"
	"strata/socketio/engineio"
	"strata/socketio/webtransport"
)

// A server for every transport. It is not run: it wants a certificate.
func ExampleServer() {
	cert, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	io := socketio.NewServer(&socketio.Options{
		Transports: []engineio.Transport{engineio.Polling, engineio.WebSocket, engineio.WebTransport},
	})
	quic := webtransport.NewServer(io.Engine(), &webtransport.Options{TLSConfig: conf, Path: "/socket.io"})
	udp, err := net.ListenPacket("udp", ":443")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Print(quic.Serve(udp)) }()
	log.Fatal((&http.Server{Handler: io, TLSConfig: conf}).ListenAndServeTLS("", ""))
}
