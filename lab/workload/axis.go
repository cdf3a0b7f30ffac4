package workload

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"strata/link"
)

// Axis is something that an experiment varies: a flag with a list of values.
type Axis struct {
	Name  string
	Usage string
	Value string // what a value is: "PERCENT"

	word     string // of a shape that the axis is; "" is none
	whole    bool   // it says all that the wire is, so that the workload's defaults do not
	common   bool   // every workload has it
	keepZero bool   // a value of 0 is a word too
	set      func(p *Params, value string) error
}

// axes are all there are, in the order in which help lists them. Those without a
// set are of the wire.
var axes = []Axis{
	{Name: "delay", Value: "TIME", Usage: "delay of each direction, like 50ms or '50ms 10ms distribution normal'", word: "delay", common: true},
	{Name: "jitter", Value: "TIME", Usage: "how much the delay varies", common: true},
	{Name: "loss", Value: "PERCENT", Usage: "lost packets, like 5% or 'gemodel 1% 20%'", word: "loss", common: true},
	{Name: "rate", Value: "RATE", Usage: "bandwidth, like 10mbit", word: "rate", common: true},
	{Name: "limit", Value: "PACKETS", Usage: "packets that wait for the rate at most", word: "limit", common: true},
	{Name: "queue", Value: "KIND", Usage: "kind of queue: taildrop, headdrop, codel, fq_codel", word: "queue", common: true},
	{Name: "duplicate", Value: "PERCENT", Usage: "packets that come twice", word: "duplicate", common: true},
	{Name: "corrupt", Value: "PERCENT", Usage: "packets of which a bit is flipped", word: "corrupt", common: true},
	{Name: "reorder", Value: "PERCENT", Usage: "packets that pass the delay", word: "reorder", common: true},
	{Name: "slot", Value: "TIME", Usage: "packets arrive in bursts so far apart", word: "slot", common: true},
	{Name: "mtu", Value: "BYTES", Usage: "larger packets are dropped", word: "mtu", common: true},
	{Name: "delivery-trace", Value: "FILE", Usage: "when packets may leave, in mahimahi's format", word: "trace", common: true},
	{Name: "preset", Value: "NAME", Usage: "kind of access: " + strings.Join(link.Presets(), ", "), whole: true, common: true},
	{Name: "shape", Value: "SHAPE", Usage: "all that the wire does, in tc-netem's words", whole: true, common: true},
	{Name: "back", Value: "SHAPE", Usage: "what it does to the clients' packets (default: the same; of a preset, its way up)", common: true},

	{Name: "cc", Value: "NAME", Usage: "congestion control: reno, cubic (default reno)", common: true, set: oneOf(func(p *Params) *string { return &p.CongestionControl }, "reno", "cubic")},
	{Name: "mss", Value: "BYTES", Usage: "largest TCP segment that hosts announce", common: true, set: integer(func(p *Params) *int { return &p.MSS }, 500, 65495)},
	{Name: "buffers", Value: "SIZE", Usage: "send and receive buffer of each connection, like 256k", common: true, set: size(func(p *Params) *int { return &p.Buffers }, 4<<10, 64<<20)},
	{Name: "recovery", Value: "NAME", Usage: "how TCP finds losses: rack (RFC 8985), sack (RFC 6675 alone)", common: true, set: oneOf(func(p *Params) *string { return &p.Recovery }, "rack", "sack")},
	{Name: "ack-delay", Value: "TIME", Usage: "how long an acknowledgement waits for data to travel with (default 40ms)", common: true, set: duration(func(p *Params) *time.Duration { return &p.AckDelay }, 0, 499*time.Millisecond)},

	{Name: "clients", Value: "NUMBER", Usage: "clients, each on a wire of its own", set: integer(func(p *Params) *int { return &p.Clients }, 1, 2000)},
	{Name: "duration", Value: "TIME", Usage: "for how long", set: duration(func(p *Params) *time.Duration { return &p.Duration }, time.Second, 24*time.Hour)},
	{Name: "size", Value: "SIZE", Usage: "of the transfer, like 2m", set: size(func(p *Params) *int { return &p.Size }, 1<<10, 1<<30)},
	{Name: "message-size", Value: "SIZE", Usage: "of a message, like 100 or 4k", set: size(func(p *Params) *int { return &p.MessageSize }, 16, 512<<10)},
	{Name: "message-rate", Value: "NUMBER", Usage: "messages a second", set: number(func(p *Params) *float64 { return &p.MessageRate }, 0.001, 10_000)},
	{Name: "compression", Value: "on|off", Usage: "permessage-deflate", set: setCompression},
	{Name: "ping-interval", Value: "TIME", Usage: "between an answer and the next ping", set: duration(func(p *Params) *time.Duration { return &p.PingInterval }, 10*time.Millisecond, 24*time.Hour)},
	{Name: "ping-timeout", Value: "TIME", Usage: "for the answer to a ping", set: duration(func(p *Params) *time.Duration { return &p.PingTimeout }, 10*time.Millisecond, 24*time.Hour)},
	{Name: "keepalive", Value: "IDLE/INTERVAL/COUNT", Usage: "TCP's keepalive, like 15s/15s/9", set: setKeepAlive},
	{Name: "user-timeout", Value: "TIME", Usage: "TCP's user timeout", set: duration(func(p *Params) *time.Duration { return &p.UserTimeout }, 10*time.Millisecond, 24*time.Hour)},
	{Name: "outage", Value: "TIME", Usage: "for how long the server is away", set: duration(func(p *Params) *time.Duration { return &p.Outage }, 100*time.Millisecond, time.Hour)},
	{Name: "randomization", Value: "NUMBER", Usage: "how much of a reconnection's delay is chance, 0 to 1", set: number(func(p *Params) *float64 { return &p.Jitter }, 0, 1)},
}

// Axes are all axes there are, in the order in which help lists them.
func Axes() []Axis { return append([]Axis(nil), axes...) }

// OfWires reports whether an axis is what wires do.
func OfWires(axis string) bool {
	a, ok := axisNamed(axis)
	return ok && a.set == nil
}

func axisNamed(name string) (Axis, bool) {
	for _, a := range axes {
		if a.Name == name {
			return a, true
		}
	}
	return Axis{}, false
}

func oneOf(field func(*Params) *string, words ...string) func(*Params, string) error {
	return func(p *Params, value string) error {
		for _, w := range words {
			if w == value {
				*field(p) = value
				return nil
			}
		}
		return fmt.Errorf("%s is wanted", strings.Join(words, " or "))
	}
}

func integer(field func(*Params) *int, least, most int) func(*Params, string) error {
	return func(p *Params, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("a whole number from %d to %d is wanted", least, most)
		}
		*field(p) = n
		return nil
	}
}

func number(field func(*Params) *float64, least, most float64) func(*Params, string) error {
	return func(p *Params, value string) error {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n >= least && n <= most) {
			return fmt.Errorf("a number from %v to %v is wanted", least, most)
		}
		*field(p) = n
		return nil
	}
}

func duration(field func(*Params) *time.Duration, least, most time.Duration) func(*Params, string) error {
	return func(p *Params, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < least || d > most {
			return fmt.Errorf("a time from %v to %v is wanted, with its unit, like 20s", least, most)
		}
		*field(p) = d
		return nil
	}
}

// sizes are the units of a size, by 1024 as tc has them.
var sizes = map[string]int{"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20}

func size(field func(*Params) *int, least, most int) func(*Params, string) error {
	return func(p *Params, value string) error {
		digits := strings.TrimRight(strings.ToLower(value), "bikm")
		unit, ok := sizes[strings.ToLower(value[len(digits):])]
		n, err := strconv.Atoi(digits)
		if err != nil || !ok || n < 0 || n > most/unit || n*unit < least {
			return fmt.Errorf("a size from %d to %d bytes is wanted, like 100, 64k or 2m", least, most)
		}
		*field(p) = n * unit
		return nil
	}
}

func setCompression(p *Params, value string) error {
	if value != "on" && value != "off" {
		return errors.New("on or off is wanted")
	}
	p.Compression = value == "on"
	return nil
}

func setKeepAlive(p *Params, value string) error {
	wanted := errors.New("idle time, interval and count are wanted, like 15s/15s/9")
	parts := strings.Split(value, "/")
	if len(parts) != 3 {
		return wanted
	}
	idle, err1 := time.ParseDuration(parts[0])
	interval, err2 := time.ParseDuration(parts[1])
	count, err3 := strconv.Atoi(parts[2])
	if errors.Join(err1, err2, err3) != nil || idle < time.Second || interval < time.Second || idle > time.Hour || interval > time.Hour || count < 1 || count > 100 {
		return wanted
	}
	p.KeepAlive = net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: count}
	return nil
}
