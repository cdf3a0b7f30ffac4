package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/pprof"

	"strata/socketio"
)

// serve is the process that is measured: what the official server does in
// server.cjs. It prints its port and ends with its standard input.
func serve(bare bool, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
	}
	io := socketio.NewServer(nil)
	io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(text string, ack func(string)) { ack(text) })
		s.On("all", func(at int64) { _ = io.Emit("told", at) })
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr().(*net.TCPAddr).Port)
	go func() {
		var b [1]byte
		_, _ = os.Stdin.Read(b[:])
		pprof.StopCPUProfile()
		os.Exit(0)
	}()
	if bare {
		return http.Serve(ln, http.HandlerFunc(ceiling))
	}
	return http.Serve(ln, io)
}
