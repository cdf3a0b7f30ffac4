package tun

import "sync/atomic"

// counter is one count of a [Device].
type counter = atomic.Uint64

// Stats counts what crossed a [Device]. In is from the kernel to our stack.
// Bytes are those of the packets as the device carries them: with the Ethernet
// header on TAP, without the virtio header. A super-segment (many TCP segments
// that an offload keeps in one) counts as one packet.
type Stats struct {
	InPackets, InBytes   uint64 // handed to the stack
	OutPackets, OutBytes uint64 // taken by the kernel
	InSuper, OutSuper    uint64 // the super-segments among them

	InDrops  InDrops
	OutDrops OutDrops
}

// InDrops counts what was read and not handed to the stack, by cause.
type InDrops struct {
	Malformed uint64 // too short, an unknown IP version, or an offload nobody asked for
	Checksum  uint64 // a wrong checksum that the kernel had not vouched for (with offload)
	NotForUs  uint64 // a frame for another link address (TAP)
	Detached  uint64 // no stack was attached
}

// OutDrops counts what the stack sent and the kernel did not take, by cause.
type OutDrops struct {
	Down   uint64 // the kernel's side of the device is not up
	Full   uint64 // no memory or no room in the kernel
	Failed uint64 // any other error of the write
	Closed uint64 // after Close
}

// counters is [Stats] while it counts.
type counters struct {
	inPackets, inBytes, inSuper    counter
	outPackets, outBytes, outSuper counter

	inMalformed, inChecksum, inNotForUs, inDetached counter
	outDown, outFull, outFailed, outClosed          counter
}

// snapshot reads every counter; counts that belong together may be one packet
// apart.
func (c *counters) snapshot() Stats {
	return Stats{
		InPackets: c.inPackets.Load(), InBytes: c.inBytes.Load(), InSuper: c.inSuper.Load(),
		OutPackets: c.outPackets.Load(), OutBytes: c.outBytes.Load(), OutSuper: c.outSuper.Load(),
		InDrops: InDrops{
			Malformed: c.inMalformed.Load(),
			Checksum:  c.inChecksum.Load(),
			NotForUs:  c.inNotForUs.Load(),
			Detached:  c.inDetached.Load(),
		},
		OutDrops: OutDrops{
			Down:   c.outDown.Load(),
			Full:   c.outFull.Load(),
			Failed: c.outFailed.Load(),
			Closed: c.outClosed.Load(),
		},
	}
}
