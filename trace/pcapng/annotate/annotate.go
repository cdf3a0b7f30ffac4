package annotate

import (
	"fmt"
	"io"
	"strings"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"strata/link"
	"strata/trace"
	"strata/trace/explain"
	"strata/trace/pcapng"
)

// Capture copies a capture and puts comments on its packets. Its errors are
// those of [pcapng.Comment].
func Capture(dst io.Writer, src io.Reader, story *explain.Story) error {
	a := &annotator{at: map[segment][]sighting{}, acked: map[trace.Flow]*acked{}}
	for _, c := range story.Conns {
		a.conn(c, story.Messages)
	}
	return pcapng.Comment(dst, src, a.comment)
}

// annotator knows what is to be said of the packets that the story has.
type annotator struct {
	at    map[segment][]sighting
	acked map[trace.Flow]*acked // by its sender, as the capture goes
	view  link.View
}

// segment is what a packet is recognized by.
type segment struct {
	flow trace.Flow // as its sender sees it
	syn  bool
	seq  uint32
	len  int
}

// sighting is a moment at which a host has sent or received it.
type sighting struct {
	at   time.Time
	dir  trace.Direction
	text string
}

// farthest is how far the capture's time may be from the recording's.
const farthest = time.Second

func (a *annotator) comment(i pcapng.Interface, p pcapng.Packet) string {
	e, seg, ok := a.parse(i, p)
	if !ok {
		return ""
	}
	flow := e.Flow
	if p.Dir == trace.In {
		flow = flow.Reverse()
	}
	var said []string
	if seg.Flags&trace.SYN != 0 || seg.Len > 0 {
		key := segment{flow, seg.Flags&trace.SYN != 0, seg.Seq, seg.Len}
		if s := nearest(a.at[key], p.Time, p.Dir); s != nil {
			said = append(said, s.text)
		}
	}
	if seg.Flags&(trace.ACK|trace.SYN) == trace.ACK {
		if s := a.acknowledged(i.Name, flow, seg); s != "" {
			said = append(said, s)
		}
	}
	if seg.Flags&trace.FIN != 0 {
		said = append(said, "the last of this direction")
	}
	if seg.Flags&trace.RST != 0 {
		said = append(said, "ends the connection at once")
	}
	return strings.Join(said, "; ")
}

// parse reads a packet's headers; false where it is not TCP.
func (a *annotator) parse(i pcapng.Interface, p pcapng.Packet) (e trace.Event, seg trace.Segment, ok bool) {
	b := p.Data[0]
	if i.LinkType == pcapng.LinkTypeEthernet {
		if len(b) < header.EthernetMinimumSize {
			return e, seg, false
		}
		b = b[header.EthernetMinimumSize:]
	}
	if len(b) == 0 || p.Dir == 0 {
		return e, seg, false
	}
	proto := header.IPv4ProtocolNumber
	if b[0]>>4 == 6 {
		proto = header.IPv6ProtocolNumber
	}
	if !a.view.Parse(proto, b) {
		return e, seg, false
	}
	e, ok = a.view.Event(p.Dir)
	if !ok {
		return e, seg, false
	}
	seg, ok = e.What.(trace.Segment)
	return e, seg, ok
}

// nearest is the sighting in that direction that is nearest in time; nil: none.
func nearest(all []sighting, at time.Time, dir trace.Direction) (found *sighting) {
	best := farthest + 1
	for i := range all {
		if d := all[i].at.Sub(at).Abs(); all[i].dir == dir && d < best {
			best, found = d, &all[i]
		}
	}
	return found
}

// acked is how far the sender of a flow has acknowledged the other.
type acked struct {
	isn  uint32              // of who is acknowledged
	last map[string]*lastAck // by interface
}

// lastAck is what one interface has seen of a flow's acknowledgements.
type lastAck struct {
	ack    uint32
	known  bool
	repeat int
}

// acknowledged says what a segment acknowledges, to who has seen those before it
// at the same interface.
func (a *annotator) acknowledged(where string, flow trace.Flow, seg trace.Segment) string {
	of := a.acked[flow]
	if of == nil {
		return ""
	}
	last := of.last[where]
	if last == nil {
		last = &lastAck{}
		of.last[where] = last
	}
	before := *last
	last.ack, last.known = seg.Ack, true
	if !before.known || before.ack != seg.Ack {
		last.repeat = 0
		return fmt.Sprintf("acknowledges what is before byte %d", seg.Ack-of.isn-1)
	}
	if seg.Len > 0 || seg.Flags&(trace.FIN|trace.RST) != 0 {
		return ""
	}
	last.repeat++
	s := fmt.Sprintf("duplicate acknowledgement %d: byte %d is missing", last.repeat, seg.Ack-of.isn-1)
	if len(seg.Options.SACK) == 0 {
		return fmt.Sprintf("acknowledges what is before byte %d, as before", seg.Ack-of.isn-1)
	}
	for _, b := range seg.Options.SACK {
		s += fmt.Sprintf(", bytes %d to %d are there", b[0]-of.isn-1, b[1]-of.isn-1)
	}
	return s
}
