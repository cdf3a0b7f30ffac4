package pcapng_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"time"

	"strata/trace"
	"strata/trace/pcapng"
)

// A capture of one packet, written and read back.
func Example() {
	var file bytes.Buffer
	w, err := pcapng.NewWriter(&file, pcapng.Options{App: "strata"})
	if err != nil {
		log.Fatal(err)
	}
	id, err := w.AddInterface(pcapng.Interface{Name: "strata0", LinkType: pcapng.LinkTypeRaw})
	if err != nil {
		log.Fatal(err)
	}
	header, payload := []byte{0x45, 0}, []byte("…")
	at := time.Date(2026, 11, 22, 10, 0, 0, 1, time.UTC)
	if err := w.WritePacket(id, pcapng.Packet{Time: at, Dir: trace.In, Data: [][]byte{header, payload}}); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := pcapng.NewReader(&file)
	if err != nil {
		log.Fatal(err)
	}
	for {
		block, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		switch b := block.(type) {
		case pcapng.Interface:
			fmt.Println("interface", b.Name)
		case pcapng.Captured:
			fmt.Println(b.Time.Format(time.RFC3339Nano), b.Dir, b.Len(), "bytes")
		}
	}
	// Output:
	// interface strata0
	// 2026-11-22T10:00:00.000000001Z in 5 bytes
}
