package annotate_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"strata/lab"
	"strata/link"
	"strata/trace"
	"strata/trace/explain"
	"strata/trace/pcapng"
)

// captured has a phone send to a server over one wire, and gives the joined
// recording and the capture of both ends.
func captured(t *testing.T, shape string, f func(w *lab.World, wire *lab.Wire, out io.Writer)) (*explain.Story, []byte) {
	t.Helper()
	rec := trace.NewRecording(0)
	var wire bytes.Buffer
	lab.Run(t, func(w *lab.World) {
		w.CaptureTo(&wire)
		phone, server := w.Host("phone"), w.Host("server")
		line := w.Connect(phone, server, link.MustParseShape(shape))
		ln := server.Listen(":80")
		w.Go(func() {
			c, err := ln.Accept()
			require.NoError(w.T(), err)
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		})
		c, err := phone.DialContext(w.Context(), "tcp", "server:80")
		require.NoError(t, err)
		f(w, line, c)
		w.Sleep(5 * time.Second) // all has arrived: what ends the connection is not part of this
		c.Close()
		w.Wait()
	}, lab.Record(rec))
	events, dropped := rec.Events()
	require.Zero(t, dropped)
	return explain.Join(events), wire.Bytes()
}

// at keeps one interface of a capture: what one host saw.
func at(t *testing.T, capture []byte, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	r, err := pcapng.NewReader(bytes.NewReader(capture))
	require.NoError(t, err)
	w, err := pcapng.NewWriter(&out, pcapng.Options{})
	require.NoError(t, err)
	only := -1
	for next := 0; ; {
		b, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch b := b.(type) {
		case pcapng.Interface:
			if b.Name == name {
				only = next
				_, err = w.AddInterface(b)
			}
			next++
		case pcapng.Captured:
			if b.Interface == only {
				err = w.WritePacket(0, b.Packet)
			}
		}
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, only, 0, "no interface %s", name)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func tshark(t *testing.T, capture []byte, filter string, fields ...string) [][]string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tshark is not installed, and CI has to have it")
		}
		t.Skip("tshark is not installed (Debian: apt install tshark)")
	}
	path := filepath.Join(t.TempDir(), "wire.pcapng")
	require.NoError(t, os.WriteFile(path, capture, 0o644))
	args := []string{"-r", path, "-n", "-T", "fields", "-E", "separator=/t", "-o", "tcp.relative_sequence_numbers:FALSE"}
	if filter != "" {
		args = append(args, "-Y", filter)
	}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "tshark", args...).Output()
	require.NoError(t, err)
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}
