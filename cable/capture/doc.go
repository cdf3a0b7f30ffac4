// Package capture writes the packets that cross link endpoints to a file that
// Wireshark and tshark read (pcapng).
//
//	f, err := capture.Create("wire.pcapng", clock.Real())
//	if err != nil {
//		return err
//	}
//	defer f.Close()
//	see, err := f.Interface("eth0", "the server's end", false)
//	if err != nil {
//		return err
//	}
//	tap.Listen(see) // a link.Tap
//	if err := f.Begin(); err != nil {
//		return err
//	}
//
// The file is brought up to date every second, so it can be looked at while it
// grows. Checksums that an offload has left out are completed in the copy;
// super-packets are kept whole, as tcpdump shows them.
package capture
