package page

// data is what the page's script is given. Times are nanoseconds since start;
// hosts, connections, wires, messages, packets and words are named by their
// index. What there is much of is written column by column.
type data struct {
	Start  string   `json:"start"`  // RFC 3339
	Length int64    `json:"length"` // until the last event, ns
	Words  []string `json:"words"`  // 0 is ""
	Hosts  []string `json:"hosts"`

	Conns    []conn    `json:"conns"`
	Messages []message `json:"messages"` // by sent
	Packets  packets   `json:"packets"`  // by at
	Wires    []string  `json:"wires"`    // each direction has its own
	Hops     hops      `json:"hops"`     // by sent
	Marks    []mark    `json:"marks"`    // by at

	LeftOut leftOut `json:"leftOut"` // beyond the limit
}

type leftOut struct {
	Packets  int `json:"packets"`
	Messages int `json:"messages"`
	Marks    int `json:"marks"`
}

// conn is a TCP connection. Of two of something, the first is the opener's.
type conn struct {
	Hosts       [2]int    `json:"hosts"` // -1 where not told
	Addrs       [2]string `json:"addrs"`
	Began       int64     `json:"began"`       // -1 where not told
	Established int64     `json:"established"` // -1 where not told
	Senders     [2]sender `json:"senders"`
}

// sender has a row for each change of what a TCP sender knew.
type sender struct {
	At          []int64 `json:"at"` // from the one before
	Cwnd        []int   `json:"cwnd"`
	Ssthresh    []int   `json:"ssthresh"` // -1 before the first loss
	Outstanding []int   `json:"outstanding"`
	SRTT        []int64 `json:"srtt"` // ns; 0 before the first measurement
	RTO         []int64 `json:"rto"`  // ns
	Recovery    []int   `json:"recovery"`
}

// message is something that a program sent to another.
type message struct {
	Conn     int    `json:"conn"`
	Back     bool   `json:"back"` // the end that did not open the connection has sent it
	Layer    int    `json:"layer"`
	Kind     int    `json:"kind"`     // a word: "frame"
	Name     int    `json:"name"`     // a word: short, for its bar
	Said     int    `json:"said"`     // a word: what it says, on one line
	Text     int    `json:"text"`     // a word: all that was told of it
	Sent     int64  `json:"sent"`     //
	Received int64  `json:"received"` // -1 where not told
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`                // in the stream
	Records  int    `json:"records,omitempty"` // of TLS, that have its bytes
	Over     []int  `json:"over,omitempty"`    // messages of the layers below that carried it
	Packets  []int  `json:"packets,omitempty"` // that carried its bytes, by at
	Parts    []part `json:"parts,omitempty"`   // from sent on, one after the other
	Losses   []loss `json:"losses,omitempty"`
	Trouble  int    `json:"trouble,omitempty"` // a word: why there are no parts
}

type part [3]int64 // name (a word), how long, more about it (a word)

type loss struct {
	At       int64 `json:"at"`
	Again    int64 `json:"again"`
	Text     int   `json:"text"` // a word
	OfBefore bool  `json:"before,omitempty"`
}

// packets are segments, or what wires have cut of them, and what is not TCP.
type packets struct {
	Conn  []int   `json:"conn"`  // -1: none
	Back  []int   `json:"back"`  // 1: of the end that did not open the connection
	At    []int64 `json:"at"`    // when it was sent, from the one before
	Took  []int64 `json:"took"`  // until the other host had it; -1 where it did not, or that was not told
	Text  []int   `json:"text"`  // a word: its flags, or all of what is not TCP
	Layer []int   `json:"layer"` // of what it carries: 4, 3 or 2
	From  []int64 `json:"from"`  // first byte's place in the stream; -1: none
	Len   []int   `json:"len"`   // payload, bytes
	Ack   []int64 `json:"ack"`   // what it acknowledges, as a place in the other's stream; -1: nothing
	Size  []int   `json:"size"`  // the whole IP packet, bytes; 0 where not told
	Again []int   `json:"again"` // 0, or a word: what it was sent again for
}

// hops are packets' ways over one wire each.
type hops struct {
	Packet     []int   `json:"packet"`
	Wire       []int   `json:"wire"`
	Sent       []int64 `json:"sent"` // from the one before
	Queued     []int64 `json:"queued"`
	Serialized []int64 `json:"serialized"`
	Delayed    []int64 `json:"delayed"`
	Dropped    []int   `json:"dropped"` // a word
	Note       []int   `json:"note"`    // a word: a copy, the wire's own, corrupted
}

// mark is something that happened at one moment.
type mark struct {
	At    int64 `json:"at"`
	Layer int   `json:"layer"`
	Conn  int   `json:"conn"` // -1: none
	Host  int   `json:"host"` // -1: not told
	Dir   int   `json:"dir"`  // 0, 1 in, 2 out
	Text  int   `json:"text"` // a word
}
