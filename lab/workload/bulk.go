package workload

import (
	"errors"
	"io"
	"os"
	"time"

	"strata/lab/theory"
	"strata/link"
	"strata/tcp"
)

var bulk = &Workload{
	Name:  "bulk",
	Short: "one long transfer over TCP, beside the formulas",
	Long: `Bulk has the server send so many bytes on one connection, for --duration at most.
Goodput is what arrives a second once a tenth has arrived: behind slow start and
what it broke. Beside it are the square-root formula (Mathis et al. 1997, for
losses by chance) and Padhye's (1998), which knows timeouts; neither knows
queues that overflow, so with a --rate that is the limit they are only bounds.
Losses are found by RFC 6675 alone, as the formulas have it (--recovery rack for
RACK: gVisor's mistakes segments sent at the same instant, of which virtual time
is full).`,
	Defaults: []Setting{{"delay", "50ms"}, {"loss", "1%"}, {"size", "8m"}, {"duration", "5m"}, {"recovery", "sack"}},
	Axes:     []string{"size", "duration"},
	Columns: []Column{
		{"goodput", "goodput"}, {"square root", "square root"}, {"padhye", "padhye"}, {"whole transfer", "mean(took)"}, {"again", "retransmitted"}, {"timeouts", "timeouts"}, {"unfinished", "unfinished"},
	},
	run: runBulk,
}

func runBulk(n Net, p *Params) (*Result, error) {
	ln, err := n.Server().Listen(":9")
	if err != nil {
		return nil, err
	}
	n.OnClose(func() { ln.Close() })
	begun := n.Elapsed()
	c, err := n.Clients()[0].DialContext(n.Context(), "tcp", n.Server().Name()+":9")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	sender, err := ln.Accept()
	if err != nil {
		return nil, err
	}
	n.OnClose(func() { sender.Close() })
	go func() {
		for left, zeros := p.Size, make([]byte, 64<<10); left > 0; {
			k, err := sender.Write(zeros[:min(left, len(zeros))])
			if err != nil {
				return
			}
			left -= k
		}
	}()

	_ = c.SetReadDeadline(time.Now().Add(p.Duration))
	received, early := 0, 0
	var steady time.Duration // when the first tenth was there
	for buf := make([]byte, 64<<10); received < p.Size; {
		k, err := c.Read(buf)
		received += k
		if steady == 0 && received >= p.Size/10 {
			steady, early = n.Elapsed(), received
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	took := n.Elapsed() - begun
	r := &Result{}
	if steady == 0 { // not even a tenth arrived
		steady, early = begun, 0
	}
	goodput := 0.0
	if d := n.Elapsed() - steady; d > 0 {
		goodput = float64(received-early) * 8 / d.Seconds()
	}
	r.figure("goodput", Bits, goodput)
	unfinished := 0.0
	if received < p.Size {
		unfinished = 1
	} else {
		r.observe("took", Seconds, took.Seconds())
	}
	r.figure("unfinished", Count, unfinished)
	if ours, ok := sender.(interface{ Info() tcp.Info }); ok {
		info := ours.Info()
		r.figure("retransmitted", Count, float64(info.Retransmits))
		r.figure("timeouts", Count, float64(info.Timeouts))
	}
	bulkTheory(r, p)
	return r, nil
}

// payload is what a segment carries: the stack keeps the room that TCP's options
// may take at most, 40 bytes, of the MSS; on the wire it adds 20 of IP, 20 of TCP
// and 12 of timestamps.
func (p *Params) payload() (bytes, onWire int) {
	mss := p.MSS
	if mss == 0 {
		mss = link.DefaultMTU - ipAndTCP
	}
	return mss - 40, mss - 40 + ipAndTCP + 12
}

func bulkTheory(r *Result, p *Params) {
	payload, onWire := p.payload()
	rate := 0.0
	if bits := p.Shape.Rate.Bits; bits > 0 {
		rate = float64(bits) * float64(payload) / float64(onWire)
		r.theory("rate", "goodput", Bits, rate)
	}
	loss, ok := lossShare(p.Shape.Loss)
	rtt := p.rtt()
	if !ok || loss <= 0 || loss >= 1 || rtt <= 0 {
		return
	}
	say := func(name string, segments float64) {
		bits := segments * float64(payload) * 8
		if rate > 0 {
			bits = min(bits, rate)
		}
		r.theory(name, "goodput", Bits, bits)
	}
	say("square root", theory.Mathis(loss, theory.Random)/rtt.Seconds())
	jitter := p.Shape.Delay.Jitter + p.Back.Delay.Jitter
	say("padhye", theory.Padhye(theory.Path{
		Loss: loss, RTT: rtt, RTO: theory.RTO(rtt, jitter/2), MaxWindow: float64(p.Buffers) / float64(payload),
	}))
}
