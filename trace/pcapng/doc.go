// Package pcapng writes and reads captures that Wireshark and tshark open.
//
// The format is that of draft-ietf-opsawg-pcapng: blocks, one after the other.
// A [Writer] writes one section: its header, the interfaces, the packets with
// their time to the nanosecond, their direction and a comment, and the secrets
// that let a reader decrypt TLS. A [Reader] reads those blocks back, of either
// byte order, from any program, and skips the others.
//
//	f, err := os.Create("wire.pcapng")
//	…
//	w, err := pcapng.NewWriter(f, pcapng.Options{App: "strata"})
//	…
//	id, err := w.AddInterface(pcapng.Interface{Name: "strata0", LinkType: pcapng.LinkTypeRaw})
//	…
//	err = w.WritePacket(id, pcapng.Packet{Time: now, Dir: trace.In, Data: [][]byte{header, payload}})
//	…
//	err = w.Close() // then f.Close
package pcapng
