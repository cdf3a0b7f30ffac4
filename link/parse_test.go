package link

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// read is a text of the grammar, the shape it stands for, and the same shape
// in canonical words ("" where the text is canonical already).
type read struct {
	text  string
	shape Shape
	canon string
	ours  bool // a word or value that tc does not have
}

const ms = time.Millisecond

var reads = []read{
	{text: "", shape: Shape{}},

	// The examples of tc-netem(8), of the netem page it names, and of tc-codel(8)
	// and tc-fq_codel(8).
	{text: "rate 5kbit 20 100 5", shape: Shape{Rate: Rate{Bits: 5000, PacketOverhead: 20, CellSize: 100, CellOverhead: 5}}},
	{text: "delay 100ms", shape: Shape{Delay: Delay{Time: 100 * ms}}},
	{text: "delay 100ms 10ms", shape: Shape{Delay: Delay{Time: 100 * ms, Jitter: 10 * ms}}},
	{text: "delay 100ms 10ms 25%", shape: Shape{Delay: Delay{Time: 100 * ms, Jitter: 10 * ms, Correlation: 0.25}}},
	{
		text:  "delay 100ms 20ms distribution normal",
		shape: Shape{Delay: Delay{Time: 100 * ms, Jitter: 20 * ms, Distribution: Distribution{Kind: Normal}}},
	},
	{text: "loss 0.1%", shape: Shape{Loss: Loss{Kind: LossRandom, Chance: Chance{P: 0.001}}}},
	{text: "loss 0.3% 25%", shape: Shape{Loss: Loss{Kind: LossRandom, Chance: Chance{P: 0.003, Correlation: 0.25}}}},
	{text: "duplicate 1%", shape: Shape{Duplicate: Chance{P: 0.01}}},
	{text: "corrupt 0.1%", shape: Shape{Corrupt: Chance{P: 0.001}}},
	{
		text:  "gap 5 delay 10ms reorder 100%",
		shape: Shape{Delay: Delay{Time: 10 * ms}, Reorder: Reorder{Chance: Chance{P: 1}, Gap: 5}},
		canon: "delay 10ms reorder 100% gap 5",
	},
	{
		text:  "delay 10ms reorder 25% 50%",
		shape: Shape{Delay: Delay{Time: 10 * ms}, Reorder: Reorder{Chance: Chance{0.25, 0.5}}},
	},
	{
		text:  "delay 10ms reorder 25% 50% gap 5",
		shape: Shape{Delay: Delay{Time: 10 * ms}, Reorder: Reorder{Chance: Chance{0.25, 0.5}, Gap: 5}},
	},
	{
		text:  "queue codel limit 100 target 4ms interval 30ms",
		shape: Shape{Queue: Queue{Kind: CoDel, Packets: 100, Target: 4 * ms, Interval: 30 * ms}}, ours: true,
	},
	{
		text:  "queue fq_codel limit 2000 target 3ms interval 40ms",
		shape: Shape{Queue: Queue{Kind: FQCoDel, Packets: 2000, Target: 3 * ms, Interval: 40 * ms}}, ours: true,
	},

	// What is left out of the models of loss is what netem takes for it.
	{text: "loss state 1%", shape: Shape{Loss: Loss{Kind: LossState, P13: 0.01, P31: 0.99, P23: 1}}},
	{text: "loss state 1% 10%", shape: Shape{Loss: Loss{Kind: LossState, P13: 0.01, P31: 0.1, P23: 1}}},
	{text: "loss state 1% 10% 5%", shape: Shape{Loss: Loss{Kind: LossState, P13: 0.01, P31: 0.1, P32: 0.05, P23: 1}}},
	{text: "loss state 1% 10% 5% 50%", shape: Shape{Loss: Loss{Kind: LossState, P13: 0.01, P31: 0.1, P32: 0.05, P23: 0.5}}},
	{
		text:  "loss state 1% 10% 5% 50% 0.1%",
		shape: Shape{Loss: Loss{Kind: LossState, P13: 0.01, P31: 0.1, P32: 0.05, P23: 0.5, P14: 0.001}},
	},
	{text: "loss gemodel 1%", shape: Shape{Loss: Loss{Kind: LossGilbertElliott, P: 0.01, R: 0.99, OneMinusH: 1}}},
	{text: "loss gemodel 1% 10%", shape: Shape{Loss: Loss{Kind: LossGilbertElliott, P: 0.01, R: 0.1, OneMinusH: 1}}},
	{text: "loss gemodel 1% 10% 70%", shape: Shape{Loss: Loss{Kind: LossGilbertElliott, P: 0.01, R: 0.1, OneMinusH: 0.7}}},
	{
		text:  "loss gemodel 1% 10% 70% 0.1%",
		shape: Shape{Loss: Loss{Kind: LossGilbertElliott, P: 0.01, R: 0.1, OneMinusH: 0.7, OneMinusK: 0.001}},
	},
	{
		text:  "loss gemodel 1% 10% 100% 0%",
		shape: Shape{Loss: Loss{Kind: LossGilbertElliott, P: 0.01, R: 0.1, OneMinusH: 1}},
		canon: "loss gemodel 1% 10%",
	},
	{text: "loss random 5%", shape: Shape{Loss: Loss{Kind: LossRandom, Chance: Chance{P: 0.05}}}, canon: "loss 5%"},
	{text: "loss random .5%", shape: Shape{Loss: Loss{Kind: LossRandom, Chance: Chance{P: 0.005}}}, canon: "loss 0.5%"},
	{text: "drop 5", shape: Shape{Loss: Loss{Kind: LossRandom, Chance: Chance{P: 0.05}}}, canon: "loss 5%"},
	{text: "loss 0%", shape: Shape{Loss: Loss{Kind: LossRandom}}},
	{text: "loss pattern 0010", shape: Shape{Loss: Loss{Kind: LossPattern, Pattern: []bool{false, false, true, false}}}, ours: true},
	{text: "loss list 3,7,9-12", shape: Shape{Loss: Loss{Kind: LossList, List: []uint64{3, 7, 9, 10, 11, 12}}}, ours: true},
	{
		text:  "loss list 1-2,18446744073709551615",
		shape: Shape{Loss: Loss{Kind: LossList, List: []uint64{1, 2, 1<<64 - 1}}},
		canon: "loss list 1,2,18446744073709551615", ours: true,
	},

	// Times: the units of tc(8), in either case; a bare number is microseconds.
	{text: "delay 100", shape: Shape{Delay: Delay{Time: 100 * time.Microsecond}}, canon: "delay 100us"},
	{text: "delay 1e3", shape: Shape{Delay: Delay{Time: ms}}, canon: "delay 1ms"},
	{text: "latency 1.5s", shape: Shape{Delay: Delay{Time: 1500 * ms}}, canon: "delay 1.5s"},
	{text: "delay .5ms", shape: Shape{Delay: Delay{Time: 500 * time.Microsecond}}, canon: "delay 500us"},
	{text: "delay 2SECS 10msec", shape: Shape{Delay: Delay{Time: 2 * time.Second, Jitter: 10 * ms}}, canon: "delay 2s 10ms"},
	{text: "delay 1usec 3usecs", shape: Shape{Delay: Delay{Time: 1000, Jitter: 3000}}, canon: "delay 1us 3us"},
	{text: "delay 1.000001ms", shape: Shape{Delay: Delay{Time: 1000001}}},
	{text: "delay 17ns", shape: Shape{Delay: Delay{Time: 17}}, ours: true},
	{text: "delay 0 5ms", shape: Shape{Delay: Delay{Jitter: 5 * ms}}, canon: "delay 0us 5ms"},
	{text: "delay 10ms 0ms 25%", shape: Shape{Delay: Delay{Time: 10 * ms, Correlation: 0.25}}, canon: "delay 10ms 0us 25%"},
	{text: "delay 4294.967295s", shape: Shape{Delay: Delay{Time: maxTime}}, ours: true}, // tc's own clock ticks end before
	{text: "slot 800us 10ms", shape: Shape{Slot: Slot{Min: 800 * time.Microsecond, Max: 10 * ms}}},
	{text: "slot 100ns", shape: Shape{Slot: Slot{Min: 100, Max: 100}}},
	{text: "slot 10ms packets 5 bytes 3000", shape: Shape{Slot: Slot{Min: 10 * ms, Max: 10 * ms, Packets: 5, Bytes: 3000}}},
	{
		text:  "slot 0 10ms packets 0x10 bytes 3k",
		shape: Shape{Slot: Slot{Max: 10 * ms, Packets: 16, Bytes: 3072}},
		canon: "slot 0us 10ms packets 16 bytes 3kb",
	},

	// Rates: bits unless they end in bps, by 1000 unless they have an i.
	{text: "rate 1000000", shape: Shape{Rate: Rate{Bits: 1e6}}, canon: "rate 1mbit"},
	{text: "rate 1.5mbit", shape: Shape{Rate: Rate{Bits: 15e5}}, canon: "rate 1500kbit"},
	{text: "rate 1Mbps", shape: Shape{Rate: Rate{Bits: 8e6}}, canon: "rate 8mbit"},
	{text: "rate 1kbps", shape: Shape{Rate: Rate{Bits: 8000}}, canon: "rate 8kbit"},
	{text: "rate 1kibit", shape: Shape{Rate: Rate{Bits: 1024}}, canon: "rate 1024bit"},
	{text: "rate 1KiBps", shape: Shape{Rate: Rate{Bits: 8192}}, canon: "rate 8192bit"},
	{text: "rate 2gibit", shape: Shape{Rate: Rate{Bits: 2 << 30}}, canon: "rate 2147483648bit"},
	{text: "rate 1tbit", shape: Shape{Rate: Rate{Bits: 1e12}}},
	{text: "rate 1mbit -14", shape: Shape{Rate: Rate{Bits: 1e6, PacketOverhead: -14}}},
	{text: "rate 1mbit 0 48 5", shape: Shape{Rate: Rate{Bits: 1e6, CellSize: 48, CellOverhead: 5}}},
	{text: "rate 1mbit 010 0x30", shape: Shape{Rate: Rate{Bits: 1e6, PacketOverhead: 8, CellSize: 48}}, canon: "rate 1mbit 8 48"},

	// Queues and the rest.
	{text: "limit 50", shape: Shape{Queue: Queue{Packets: 50}}},
	{text: "queue taildrop limit 50", shape: Shape{Queue: Queue{Packets: 50}}, canon: "limit 50", ours: true},
	{text: "queue taildrop bytes 64kb", shape: Shape{Queue: Queue{Bytes: 64 << 10}}, ours: true},
	{text: "queue headdrop limit 10 bytes 15000", shape: Shape{Queue: Queue{Kind: HeadDrop, Packets: 10, Bytes: 15000}}, ours: true},
	{text: "limit 10 queue headdrop", shape: Shape{Queue: Queue{Kind: HeadDrop, Packets: 10}}, canon: "queue headdrop limit 10", ours: true},
	{text: "queue fq_codel flows 16 quantum 300", shape: Shape{Queue: Queue{Kind: FQCoDel, Flows: 16, Quantum: 300}}, ours: true},
	{text: "queue codel", shape: Shape{Queue: Queue{Kind: CoDel}}, ours: true},
	{text: "mtu 1280", shape: Shape{MTU: 1280}, ours: true},
	{
		text: "\tdelay 80ms 10ms 25%\n distribution normal  loss gemodel 1% 10%\n rate 2mbit limit 50\n",
		shape: Shape{
			Delay: Delay{80 * ms, 10 * ms, 0.25, Distribution{Kind: Normal}},
			Loss:  Loss{Kind: LossGilbertElliott, P: 0.01, R: 0.1, OneMinusH: 1},
			Rate:  Rate{Bits: 2e6},
			Queue: Queue{Packets: 50},
		},
		canon: "delay 80ms 10ms 25% distribution normal loss gemodel 1% 10% rate 2mbit limit 50",
	},
	{
		text:  "distribution paretonormal loss 1% delay 10ms 1ms",
		shape: Shape{Delay: Delay{Time: 10 * ms, Jitter: ms, Distribution: Distribution{Kind: ParetoNormal}}, Loss: Loss{Kind: LossRandom, Chance: Chance{P: 0.01}}},
		canon: "delay 10ms 1ms distribution paretonormal loss 1%",
	},
	// man tc-netem has uniform, iproute2 ships no such table.
	{text: "delay 10ms 1ms distribution uniform", shape: Shape{Delay: Delay{Time: 10 * ms, Jitter: ms}}, canon: "delay 10ms 1ms", ours: true},
}

// The words are those of the manual pages, and String gives them back.
func TestParseShape(t *testing.T) {
	for _, r := range reads {
		got, err := ParseShape(r.text)
		require.NoError(t, err, r.text)
		require.Equal(t, r.shape, got, r.text)
		require.NoError(t, got.Validate(), r.text)

		canon := r.canon
		if canon == "" {
			canon = r.text
		}
		require.Equal(t, canon, got.String(), r.text)
		again, err := ParseShape(canon)
		require.NoError(t, err, canon)
		require.Equal(t, got, again, canon)
	}
}

// refusal is a text and the one line that it is refused with.
type refusal struct {
	text, message string
	ours          bool // tc accepts it in some version, or has no such thing
}

var refusals = []refusal{
	// Words.
	{text: "dealy 10ms", message: `"dealy" at 1: unknown word; did you mean delay?`},
	{text: "delay 10ms lossy 1%", message: `"lossy" at 12: unknown word; did you mean loss?`},
	{text: "dup 1%", message: `"dup" at 1: unknown word; did you mean duplicate?`, ours: true},
	{text: "frobnicate", message: `"frobnicate" at 1: unknown word; expected one of preset, delay, latency, distribution, loss, drop, ` +
		`corrupt, duplicate, reorder, gap, rate, trace, queue, limit, slot or mtu`},
	{text: "delay 10ms jitter 5ms", message: `"jitter" at 12: jitter has no word of its own: delay TIME JITTER`},
	{text: "loss 1% ecn", message: `"ecn" at 9: ecn is not here: what is lost is dropped, not marked`, ours: true},
	{text: "seed 7", message: `"seed" at 1: seed is not here: a world or a wire has it`, ours: true},
	{text: "codel", message: `"codel" at 1: write queue codel`},
	{text: "gemodel 1%", message: `"gemodel" at 1: write loss gemodel`},
	{text: "delay 10ms 1ms normal", message: `"normal" at 16: write distribution normal`},
	{text: "rate 1mbit bytes 3000", message: `"bytes" at 12: bytes belongs behind slot, or behind queue and its kind`},
	{text: "packets 3", message: `"packets" at 1: packets belongs behind slot, before bytes; for the queue write limit`},
	{text: "limit 5 target 5ms", message: `"target" at 9: target belongs behind queue codel or queue fq_codel`},
	{text: "delay 10ms delay 20ms", message: `"delay" at 12: delay is given twice`, ours: true},
	{text: "delay 10ms latency 20ms", message: `"latency" at 12: delay is given twice`, ours: true},
	{text: "loss 1% loss 2%", message: `"loss" at 9: loss is given twice`},
	{text: "queue codel limit 5 limit 6", message: `"limit" at 21: limit is given twice`},
	{text: "queue codel bytes 5 bytes 6", message: `"bytes" at 21: queue bytes is given twice`},
	{text: "slot 1ms bytes 5 packets 6", message: `"packets" at 18: packets belongs behind slot, before bytes; for the queue write limit`},
	{text: "delay 10 ms", message: `"ms" at 10: unknown word; expected one of preset, delay, latency, distribution, loss, drop, ` +
		`corrupt, duplicate, reorder, gap, rate, trace, queue, limit, slot or mtu`},
	{text: `"delay" 10ms`, message: `"delay" at 1: quotes are for the names of files`, ours: true},
	{text: `trace "x`, message: `"\"x" at 7: the quotes do not end, or are no Go string`, ours: true},
	{text: `trace "x"y`, message: `"y" at 10: expected a space after the quotes`, ours: true},

	// Something is missing.
	{text: "delay", message: `the text ends at 6: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`},
	{text: "loss", message: `the text ends at 5: expected a percentage such as 1%, or random, state, gemodel, pattern or list`},
	{text: "loss gemodel", message: `the text ends at 13: expected a percentage such as 1%`},
	{text: "corrupt", message: `the text ends at 8: expected a percentage such as 1%`},
	{text: "queue", message: `the text ends at 6: expected a kind of queue: taildrop, headdrop, codel or fq_codel`, ours: true},
	{text: "preset", message: `the text ends at 7: expected a preset: 3g, 5g, cable, dsl, edge, lte, satellite-geo, starlink, train or wifi-busy`, ours: true},
	{text: "trace", message: `the text ends at 6: expected a file with a delivery trace`, ours: true},
	{text: "slot 10ms packets", message: `the text ends at 18: expected a whole number from 1 to 2147483647`},

	// Something is too much.
	{text: "loss 1% 25% 5%", message: `"5%" at 13: expected a word, not another number`},
	{text: "loss 1 %", message: `"%" at 8: expected a word, not another number`},
	{text: "delay 1ms .5ms", message: `".5ms" at 11: expected a word; a number that may be left out begins with a digit: 0.5ms`},
	{text: "loss gemodel 1% 2% 3% 4% 5%", message: `"5%" at 26: expected a word, not another number`},

	// Times.
	{text: "delay 1m", message: `"1m" at 7: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`},
	{text: "delay 80ms,", message: `"80ms," at 7: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`},
	{text: "delay -5ms", message: `"-5ms" at 7: must not be negative; expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`, ours: true},
	{text: "delay nan", message: `"nan" at 7: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`, ours: true},
	{text: "delay inf", message: `"inf" at 7: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`, ours: true},
	{text: "delay 0x10", message: `"0x10" at 7: expected a time such as 80ms (s, ms, us or ns; a bare number is microseconds)`, ours: true},
	{text: "delay 5000s", message: `"5000s" at 7: too long: at most 4294.967295s`, ours: true},
	{text: "delay 1e400", message: `"1e400" at 7: too long: at most 4294.967295s`, ours: true},
	{text: "slot 10ms 5ms", message: `"5ms" at 11: the longest is shorter than the shortest`},
	{text: "slot 0", message: `"0" at 6: slots of no length`, ours: true},
	{text: "slot distribution pareto 10ms 5ms", message: `"distribution" at 6: slot distribution is not here; write slot MIN MAX`, ours: true},

	// Percentages.
	{text: "loss 101%", message: `"101%" at 6: more than 100%`},
	{text: "loss 1% 101%", message: `"101%" at 9: more than 100%`},
	{text: "loss 1%%", message: `"1%%" at 6: expected a percentage such as 1%`},
	{text: "loss .5%", message: `".5%" at 6: expected a percentage such as 1%, or random, state, gemodel, pattern or list`},
	{text: "loss -1%", message: `"-1%" at 6: expected a percentage such as 1%, or random, state, gemodel, pattern or list`},
	{text: "loss random -1%", message: `"-1%" at 13: must not be negative; expected a percentage such as 1%`},
	{text: "loss random nan", message: `"nan" at 13: expected a percentage such as 1%`, ours: true},
	{text: "corrupt 1e9999999999999999999", message: `"1e9999999999999999999" at 9: expected a percentage such as 1%`},
	{text: "loss state 60% 10% 5% 50% 60%", message: `"loss" at 1: p13 and p14 are more than 100% together`, ours: true},
	{text: "loss state 1% 60% 60%", message: `"loss" at 1: p31 and p32 are more than 100% together`, ours: true},
	{text: "loss pattern 01x", message: `"01x" at 14: expected a pattern such as 0010, 1 is lost`, ours: true},
	{text: "loss list 3,2", message: `"3,2" at 11: expected numbers of packets such as 3,7,9-12, from 1, rising`, ours: true},
	{text: "loss list 0", message: `"0" at 11: expected numbers of packets such as 3,7,9-12, from 1, rising`, ours: true},
	{text: "loss list 1-99999999999", message: `"1-99999999999" at 11: too many: at most 65536 packets`, ours: true},

	// Rates.
	{text: "rate 1mb", message: `"1mb" at 6: expected a rate such as 2mbit (bit, kbit, mbit, gbit, tbit; bps, kbps … are bytes; a bare number is bit/s)`},
	{text: "rate -5mbit", message: `"-5mbit" at 6: must not be negative; expected a rate such as 2mbit (bit, kbit, mbit, gbit, tbit; bps, kbps … are bytes; a bare number is bit/s)`, ours: true},
	{text: "rate 0", message: `"0" at 6: a rate of zero lets nothing pass; leave rate out for no limit`, ours: true},
	{text: "rate 0.2bit", message: `"0.2bit" at 6: a rate of zero lets nothing pass; leave rate out for no limit`, ours: true},
	{text: "rate 1e15bit rate", message: `"rate" at 14: rate is given twice`},
	{text: "rate 1001tbit", message: `"1001tbit" at 6: too fast: at most 1000tbit`, ours: true},
	{text: "rate 50%", message: `"50%" at 6: a wire has no speed of its own to take a percentage of; expected a rate such as 2mbit (bit, kbit, mbit, gbit, tbit; bps, kbps … are bytes; a bare number is bit/s)`, ours: true},
	{text: "rate 1mbit 1.5", message: `"1.5" at 12: expected a whole number from -65535 to 65535`},
	{text: "rate 1mbit 99999", message: `"99999" at 12: expected a whole number from -65535 to 65535`, ours: true},
	{text: "rate 1mbit 0 -48", message: `"-48" at 14: expected a word, not another number`, ours: true}, // tc takes it for CELLOVERHEAD
	{text: "rate 1mbit 0 0 5", message: `"rate" at 1: overhead of cells without cells`, ours: true},
	{text: "rate 1mbit 0 5 -5", message: `"rate" at 1: the overhead leaves nothing of a cell`, ours: true},

	// Reordering and distributions need something to work on.
	{text: "reorder 25%", message: `"reorder" at 1: needs a delay that a packet can pass`},
	{text: "gap 5", message: `"gap" at 1: needs reorder and its percentage`},
	{text: "delay 10ms reorder 0% gap 5", message: `"gap" at 23: needs reorder and its percentage`},
	{text: "delay 10ms reorder 25% gap -1", message: `"-1" at 28: expected a whole number from 0 to 2147483647`},
	{text: "distribution normal", message: `"distribution" at 1: needs a delay and a jitter, both above zero`},
	{text: "delay 10ms distribution uniform", message: `"distribution" at 12: needs a delay and a jitter, both above zero`},
	{text: "delay 0ms 1ms distribution normal", message: `"distribution" at 15: needs a delay and a jitter, both above zero`},
	{text: "delay 10ms 1ms distribution", message: `the text ends at 28: expected uniform, normal, pareto, paretonormal or a file with a table`},
	{text: "delay 10ms 1ms distribution gauss", message: `"gauss" at 29: expected uniform, normal, pareto, paretonormal or a file with a table: no such file or directory`},

	// Queues, traces, MTU, presets.
	{text: "limit 0", message: `"0" at 7: a queue of zero packets lets nothing pass`, ours: true},
	{text: "limit -1", message: `"-1" at 7: expected a number of packets from 1 to 16777216`},
	{text: "limit 64kb", message: `"64kb" at 7: limit is in packets, without a unit; for bytes write queue taildrop bytes 64kb`, ours: true},
	{text: "limit 4294967296", message: `"4294967296" at 7: expected a number of packets from 1 to 16777216`},
	{text: "queue pfifo", message: `"pfifo" at 7: expected a kind of queue: taildrop, headdrop, codel or fq_codel`, ours: true},
	{text: "queue taildrop bytes 0", message: `"0" at 22: must not be zero`, ours: true},
	{text: "queue taildrop bytes 2gb", message: `"2gb" at 22: too large: at most 1gb`, ours: true},
	{text: "queue taildrop bytes 5kib", message: `"5kib" at 22: expected a size in bytes such as 64kb (k, m, g by 1024)`, ours: true},
	{text: "queue headdrop target 5ms", message: `"queue" at 1: target and interval are for codel and fq_codel`, ours: true},
	{text: "queue codel flows 5", message: `"queue" at 1: flows and quantum are for fq_codel`, ours: true},
	{text: "queue fq_codel quantum 10", message: `"queue" at 1: the quantum is not between 256 bytes and 1mb`, ours: true},
	{text: "mtu 67", message: `"67" at 5: expected a whole number from 68 to 65535`, ours: true},
	{text: "mtu 65536", message: `"65536" at 5: expected a whole number from 68 to 65535`, ours: true},
	{text: "trace /no/such.down", message: `"/no/such.down" at 7: no such file or directory`, ours: true},
	{text: "trace testdata", message: `"testdata" at 7: not a regular file`, ours: true},
	{text: "trace testdata/hole.trace", message: `"testdata/hole.trace" at 7: testdata/hole.trace: line 3: empty; every line is a millisecond`, ours: true},
	{text: "rate 1mbit trace testdata/12mbit.trace", message: `"trace" at 12: a trace is in place of a rate, not beside it`, ours: true},
	{text: "delay 5ms preset lte", message: `"preset" at 11: preset comes first; the words behind it change it`, ours: true},
	{text: "preset 4g", message: `"4g" at 8: expected a preset: 3g, 5g, cable, dsl, edge, lte, satellite-geo, starlink, train or wifi-busy`, ours: true},
	{text: "preset dsl reorder 5% delay 0", message: `"reorder" at 12: needs a delay that a packet can pass`, ours: true},
	{text: "up", message: `"up" at 1: up belongs behind preset and its name`},
}

// Every refusal says which word, where, and what was expected, in one line.
func TestParseShapeRefuses(t *testing.T) {
	for _, r := range refusals {
		_, err := ParseShape(r.text)
		require.Error(t, err, r.text)
		require.Equal(t, "shape: "+r.message, err.Error(), r.text)
		require.NotContains(t, err.Error(), "\n")

		parseErr, ok := errors.AsType[*ParseError](err)
		require.True(t, ok)
		if parseErr.Word != "" && !strings.Contains(r.text, `"`) {
			require.True(t, strings.HasPrefix(r.text[parseErr.Offset:], parseErr.Word), "the place of %q", r.text)
		}
	}
}

// A word of any length makes one short line.
func TestParseErrorIsShort(t *testing.T) {
	_, err := ParseShape("delay " + strings.Repeat("x\x00", 10000))
	require.Error(t, err)
	require.Less(t, len(err.Error()), 250)
	_, err = ParseShape(`"` + strings.Repeat("a\n", 10000))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	require.Less(t, len(err.Error()), 250)
}

func TestMustParseShape(t *testing.T) {
	require.Equal(t, Shape{MTU: 1280}, MustParseShape("mtu 1280"))
	require.PanicsWithError(t, `shape: "mut" at 1: unknown word; did you mean mtu?`, func() { MustParseShape("mut 1280") })
}

// A trace and a table are read from the files that the shape names, and
// written as their names, in quotes where these are not one word.
func TestParseShapeReadsFiles(t *testing.T) {
	s, err := ParseShape("trace testdata/12mbit.trace delay 10ms 2ms distribution testdata/sawtooth.dist")
	require.NoError(t, err)
	require.Equal(t, &DeliveryTrace{Name: "testdata/12mbit.trace", At: []uint32{1, 2, 3, 4, 5}}, s.Trace)
	require.Equal(t, Distribution{Kind: Samples, Name: "testdata/sawtooth.dist", Table: []float64{-1, -0.5, 0, 0.5, 1}}, s.Delay.Distribution)
	require.Equal(t, "delay 10ms 2ms distribution testdata/sawtooth.dist trace testdata/12mbit.trace", s.String())

	// Files may be called anything, also like a built-in distribution.
	t.Chdir(t.TempDir())
	for _, name := range []string{"normal", "two words", `"quoted"`, "tab\tand\nline", "naïve", "bad\xffbyte", "delay"} {
		require.NoError(t, os.WriteFile(name, []byte("0 8192\n"), 0o600))
		want := Shape{Delay: Delay{Time: ms, Jitter: ms, Distribution: Distribution{Kind: Samples, Name: name, Table: []float64{0, 1}}}}
		got, err := ParseShape(want.String())
		require.NoError(t, err, want.String())
		require.Equal(t, want, got)
	}

	_, err = ParseShape("trace " + filepath.Join(t.TempDir(), "nothing"))
	require.ErrorIs(t, err, fs.ErrNotExist)

	// A name is needed to write one.
	_, err = Shape{Trace: &DeliveryTrace{At: []uint32{1}}}.MarshalText()
	require.EqualError(t, err, "shape: trace: has no file's name to write")
	_, err = Shape{Delay: Delay{Distribution: Distribution{Kind: Samples}}}.MarshalText()
	require.EqualError(t, err, "shape: distribution: the table has no file's name to write")
}

// A preset is the beginning, and each word behind it replaces what the preset
// says of the same part.
func TestParseShapePreset(t *testing.T) {
	down, up, _ := Preset("starlink")
	require.Equal(t, down, MustParseShape("preset starlink"))
	require.Equal(t, down, MustParseShape("preset starlink down"))
	require.Equal(t, up, MustParseShape("preset starlink up"))

	lossless := down
	lossless.Loss = Loss{Kind: LossRandom}
	require.Equal(t, lossless, MustParseShape("preset starlink loss 0%"))

	// A new delay does not keep the old one's jitter and distribution.
	calm := down
	calm.Delay = Delay{Time: 30 * ms}
	require.Equal(t, calm, MustParseShape("preset starlink down delay 30ms"))
	spiky := down
	spiky.Delay.Distribution.Kind = Pareto
	require.Equal(t, spiky, MustParseShape("preset starlink distribution pareto"))

	// Nor does a new queue keep the limit, unless only the limit is new.
	aqm := down
	aqm.Queue = Queue{Kind: FQCoDel}
	require.Equal(t, aqm, MustParseShape("preset starlink queue fq_codel"))
	short := down
	short.Queue.Packets = 10
	require.Equal(t, short, MustParseShape("preset starlink limit 10"))

	// A trace is in place of the preset's rate.
	traced := MustParseShape("preset starlink trace testdata/12mbit.trace")
	require.Zero(t, traced.Rate)
	require.NotNil(t, traced.Trace)
}

// A shape made as a struct is held to the same bounds.
func TestValidate(t *testing.T) {
	nan := 0.0
	nan /= nan
	for _, bad := range []struct {
		shape   Shape
		message string
	}{
		{Shape{Delay: Delay{Time: -1}}, "delay: a time is negative"},
		{Shape{Delay: Delay{Jitter: maxTime + 1}}, "delay: a time is longer than 4294.967295s"},
		{Shape{Delay: Delay{Correlation: 1.01}}, "delay: a probability is not between 0 and 1"},
		{Shape{Delay: Delay{Distribution: Distribution{Kind: Normal}}}, "distribution: needs a delay and a jitter, both above zero"},
		{Shape{Delay: Delay{Distribution: Distribution{Kind: 9}}}, "distribution: no such distribution"},
		{Shape{Delay: Delay{ms, ms, 0, Distribution{Kind: Samples}}}, "distribution: the table is empty"},
		{Shape{Delay: Delay{ms, ms, 0, Distribution{Kind: Samples, Table: make([]float64, maxTable+1)}}}, "distribution: the table is too large"},
		{Shape{Delay: Delay{ms, ms, 0, Distribution{Kind: Samples, Table: []float64{nan}}}}, "distribution: the table has a deviation of more than 4 sigma"},
		{Shape{Loss: Loss{Kind: LossRandom, Chance: Chance{P: nan}}}, "loss: a probability is not between 0 and 1"},
		{Shape{Loss: Loss{Kind: LossGilbertElliott, R: -1}}, "loss: a probability is not between 0 and 1"},
		{Shape{Loss: Loss{Kind: LossState, P23: 2}}, "loss: a probability is not between 0 and 1"},
		{Shape{Loss: Loss{Kind: LossPattern}}, "loss: the pattern is empty or too long"},
		{Shape{Loss: Loss{Kind: LossList, List: []uint64{0}}}, "loss: the list does not rise from 1"},
		{Shape{Loss: Loss{Kind: LossList}}, "loss: the list is empty or too long"},
		{Shape{Loss: Loss{Kind: 77}}, "loss: no such model of loss"},
		{Shape{Duplicate: Chance{P: 2}}, "duplicate: a probability is not between 0 and 1"},
		{Shape{Corrupt: Chance{Correlation: -0.1}}, "corrupt: a probability is not between 0 and 1"},
		{Shape{Reorder: Reorder{Chance: Chance{P: 0.1}}}, "reorder: needs a delay that a packet can pass"},
		{Shape{Reorder: Reorder{Gap: -1}}, "gap: out of range"},
		{Shape{Reorder: Reorder{Gap: 1}}, "gap: needs reorder and its percentage"},
		{Shape{Rate: Rate{Bits: maxRate + 1}}, "rate: faster than 1000tbit"},
		{Shape{Rate: Rate{PacketOverhead: 1}}, "rate: overheads without a rate"},
		{Shape{Rate: Rate{Bits: 1, CellSize: -1}}, "rate: an overhead or the cell size is out of range"},
		{Shape{Trace: &DeliveryTrace{}}, "trace: the trace is empty"},
		{Shape{Trace: &DeliveryTrace{At: []uint32{2, 1}}}, "trace: the trace falls"},
		{Shape{Trace: &DeliveryTrace{At: []uint32{0}}}, "trace: the trace has no length: its last number is 0"},
		{Shape{Rate: Rate{Bits: 1}, Trace: &DeliveryTrace{At: []uint32{1}}}, "trace: a trace is in place of a rate, not beside it"},
		{Shape{Queue: Queue{Packets: -1}}, "limit: the number of packets is out of range"},
		{Shape{Queue: Queue{Bytes: -1}}, "queue: the number of bytes is out of range"},
		{Shape{Queue: Queue{Kind: 9}}, "queue: no such kind"},
		{Shape{Queue: Queue{Kind: CoDel, Target: -1}}, "queue: a time is negative"},
		{Shape{Queue: Queue{Kind: FQCoDel, Flows: -1}}, "queue: the number of flows is out of range"},
		{Shape{Slot: Slot{Min: 2, Max: 1}}, "slot: the longest is shorter than the shortest"},
		{Shape{Slot: Slot{Min: -2, Max: 1}}, "slot: a time is negative"},
		{Shape{Slot: Slot{Packets: 1}}, "slot: packets or bytes of slots of no length"},
		{Shape{Slot: Slot{Max: 1, Bytes: -1}}, "slot: packets or bytes are out of range"},
		{Shape{MTU: 67}, "mtu: not between 68 and 65535"},
	} {
		require.EqualError(t, bad.shape.Validate(), "shape: "+bad.message)
		// It can be printed all the same, for the log that shows it.
		require.NotPanics(t, func() { _ = bad.shape.String() })
		_, err := bad.shape.MarshalText()
		require.Error(t, err)
	}
	require.NoError(t, Shape{}.Validate())
}
