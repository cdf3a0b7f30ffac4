package link

import "slices"

// preset is a kind of access as people know it, in the words of ParseShape.
type preset struct {
	name     string
	down, up string
}

// presets are typical, not worst cases. Where a source has a round-trip time,
// each direction has half of it. Rates and times are from the source that is
// named; what is called an estimate is ours, chosen to be plausible. Every
// limit is an estimate: the packets that the rate sends in the time given
// there, since access links are known for large buffers ("extremely long
// delays" in cellular ones: Jiang et al., Tackling Bufferbloat in 3G/4G
// Networks, IMC 2012), and the sources publish rates and times only. Most have
// no loss but the queue's: cellular links send again what the radio loses.
var presets = []preset{
	{
		// WebPageTest's profile "Mobile Edge": 240/200 kbit/s, 840 ms round
		// trip (connectivity.ini.sample in its repository), split 400 and
		// 440 ms as Apple's Network Link Conditioner does. Limit: 1.5 s.
		name: "edge",
		down: "delay 400ms rate 240kbit limit 30",
		up:   "delay 440ms rate 200kbit limit 25",
	},
	{
		// WebPageTest's profile "Mobile 3G": 1.6 Mbit/s and 768 kbit/s, 300 ms
		// round trip. (Ofcom's Mobile Matters 2023 has 5.9 and 2 Mbit/s for
		// what is left of 3G in the UK.) Limit: 1 s.
		name: "3g",
		down: "delay 150ms rate 1600kbit limit 130",
		up:   "delay 150ms rate 768kbit limit 64",
	},
	{
		// Rates: UK averages of 4G in Ofcom's Mobile Matters 2023 (Opensignal's
		// data), 29.5 and 7.6 Mbit/s. Round trip: 70 ms of WebPageTest's
		// profile "LTE"; Ofcom's 18 to 24 ms (2024) are to the nearest
		// servers. Jitter: an estimate, of the order of LTE's scheduling
		// requests and HARQ (8 ms a retransmission). Limit: 0.5 s.
		name: "lte",
		down: "delay 35ms 5ms 25% distribution normal rate 29500kbit limit 1200",
		up:   "delay 35ms 8ms 25% distribution normal rate 7600kbit limit 320",
	},
	{
		// Rates: UK averages of 5G in Ofcom's Mobile Matters 2023, 129.9 and
		// 14.7 Mbit/s. Round trip: the 2024 report's averages by operator are
		// 16.3 to 21.4 ms. Jitter: an estimate. Limit: 0.2 s down, 0.3 s up.
		name: "5g",
		down: "delay 10ms 2ms 25% distribution normal rate 129900kbit limit 2200",
		up:   "delay 10ms 3ms 25% distribution normal rate 14700kbit limit 370",
	},
	{
		// WebPageTest's profile "DSL": 1.5 Mbit/s and 384 kbit/s, 50 ms round
		// trip; the FCC's Measuring Broadband America had 49 ms on average for
		// DSL in the years when lines were sold at these rates. Limit: 0.5 s
		// down, 1 s up.
		name: "dsl",
		down: "delay 25ms rate 1500kbit limit 64",
		up:   "delay 25ms rate 384kbit limit 32",
	},
	{
		// WebPageTest's profile "Cable": 5 and 1 Mbit/s, 28 ms round trip; the
		// FCC had 32 ms on average for cable. Limit: 0.25 s down, 0.5 s up.
		name: "cable",
		down: "delay 14ms rate 5mbit limit 100",
		up:   "delay 14ms rate 1mbit limit 42",
	},
	{
		// The hop to the access point at a busy place. Pei et al., WiFi can be
		// the weakest link of round trip network latency in the wild (INFOCOM
		// 2016, 47 access points of a campus): more than half of TCP's packets
		// above 20 ms, a tenth above 100 ms. With tc's Pareto table each
		// direction here has a median of 10 ms and 46 ms at the ninth decile.
		// Correlation, rate, loss and limit (0.15 s) are estimates.
		name: "wifi-busy",
		down: "delay 20ms 30ms 25% distribution pareto loss 0.5% rate 20mbit limit 250",
		up:   "delay 20ms 30ms 25% distribution pareto loss 0.5% rate 20mbit limit 250",
	},
	{
		// Rates: US medians of HughesNet in Ookla's data for Q2 2021, 19.73 and
		// 2.43 Mbit/s. Round trip: 600 ms, the least of a geostationary service
		// (Michel et al., A First Look at Starlink Performance, IMC 2022);
		// Ookla's Q3 2021 has 629 ms for Viasat and 744 ms for HughesNet.
		// Without the proxies that such services put in TCP's way. Jitter: an
		// estimate. Limit: 0.6 s down, a round trip; 1 s up.
		name: "satellite-geo",
		down: "delay 300ms 10ms 25% distribution normal rate 19730kbit limit 1000",
		up:   "delay 300ms 15ms 25% distribution normal rate 2430kbit limit 200",
	},
	{
		// Rates and round trip: US medians in Ookla's data for Q4 2021, 104.97
		// and 12 Mbit/s, 40 ms. Jitter and loss: Huston, A transport protocol's
		// view of Starlink (APNIC, 2024), 6.7 ms on average from one round trip
		// to the next, and one to two percent of loss that congestion does not
		// explain, some of it at the change of satellites every 15 s. Here the
		// loss is 1.4 % in bursts of four packets on average; bursts and
		// correlation are estimates, and there is no 15 s beat. Limit: 0.2 s
		// down; 0.4 s up, as users report.
		name: "starlink",
		down: "delay 20ms 5ms 25% distribution normal loss gemodel 0.35% 25% rate 104970kbit limit 1700",
		up:   "delay 20ms 5ms 25% distribution normal loss gemodel 0.35% 25% rate 12mbit limit 400",
	},
	{
		// An estimate throughout: a phone or a carriage's router on LTE at
		// speed. The studies (Xiao et al., TCP Performance over Mobile Networks
		// in High-speed Mobility Scenarios, ICNP 2014; Wang et al., An
		// Active-Passive Measurement Study of TCP Performance over LTE on
		// High-speed Rails, MobiCom 2019) find throughput and round trips worse
		// than at rest and far more variable, and losses at handovers; the
		// figures here only follow them in kind: 4.8 % of loss in bursts of
		// five packets. A tunnel is not a shape: take the wire down and up.
		// Limit: 1 s.
		name: "train",
		down: "delay 60ms 30ms 50% distribution pareto loss gemodel 1% 20% rate 5mbit limit 420",
		up:   "delay 60ms 30ms 50% distribution pareto loss gemodel 1% 20% rate 2mbit limit 170",
	},
}

// Preset is a kind of access by its name (edge, 3g, lte, 5g, dsl, cable,
// wifi-busy, satellite-geo, starlink, train): what it does to packets that go
// down to the user, and up. The comments in its source say where the figures
// are from, and which are estimates. ok is false for any other name.
func Preset(name string) (down, up Shape, ok bool) {
	for _, p := range presets {
		if p.name == name {
			return MustParseShape(p.down), MustParseShape(p.up), true
		}
	}
	return Shape{}, Shape{}, false
}

// Presets are the names that [Preset] knows, sorted.
func Presets() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.name
	}
	slices.Sort(names)
	return names
}
