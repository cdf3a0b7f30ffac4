// The story: what the page was given, columns as typed arrays, and what is
// found in them once.

const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (c) => c.charCodeAt(0));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const story = JSON.parse(await new Response(unpacked).text());
story.hosts ||= [];
story.wires ||= [];
const word = (i) => story.words[i];
const hostName = (i) => (i >= 0 ? story.hosts[i] : "?");

const column = (values, array = Float64Array) => array.from(values || []);

// cumulated turns differences into what they add up to.
function cumulated(values) {
  const all = column(values);
  for (let i = 1; i < all.length; i++) all[i] += all[i - 1];
  return all;
}

const conns = story.conns || [];
for (const c of conns) {
  for (const s of c.senders) {
    s.at = cumulated(s.at);
    for (const name of ["cwnd", "ssthresh", "outstanding", "srtt", "rto"]) s[name] = column(s[name]);
  }
}

// packets, by the time of their sending.
const packets = (() => {
  const p = story.packets;
  return {
    count: (p.at || []).length,
    at: cumulated(p.at), took: column(p.took), from: column(p.from), ack: column(p.ack),
    conn: column(p.conn, Int32Array), back: column(p.back, Uint8Array), text: column(p.text, Int32Array),
    layer: column(p.layer, Uint8Array), len: column(p.len, Int32Array), size: column(p.size, Int32Array),
    again: column(p.again, Int32Array),
  };
})();

// hops, by the time at which each began.
const hops = (() => {
  const h = story.hops;
  return {
    count: (h.sent || []).length,
    sent: cumulated(h.sent), queued: column(h.queued), serialized: column(h.serialized), delayed: column(h.delayed),
    packet: column(h.packet, Int32Array), wire: column(h.wire, Int32Array), dropped: column(h.dropped, Int32Array),
    note: column(h.note, Int32Array),
  };
})();
const hopEnd = (i) => hops.sent[i] + hops.queued[i] + hops.serialized[i] + hops.delayed[i];

// hopsOf[i] are the hops of packet i, wire by wire; end is when its way ended,
// and lost why it did so before it had arrived (a word; 0: it did not). What was
// on a wire that was cut, as all are when a world ends, is not lost but cut off.
const hopsOf = Array.from({ length: packets.count }, () => []);
for (let i = 0; i < hops.count; i++) hopsOf[hops.packet[i]].push(i);
packets.end = new Float64Array(packets.count);
packets.lost = new Int32Array(packets.count);
packets.cutOff = new Uint8Array(packets.count);
const cutOff = (h) => word(hops.dropped[h]) === "closed";
for (let i = 0; i < packets.count; i++) {
  packets.end[i] = packets.at[i] + Math.max(0, packets.took[i]);
  const last = hopsOf[i].at(-1);
  if (last === undefined) continue;
  packets.end[i] = Math.max(packets.end[i], hopEnd(last));
  if (packets.took[i] >= 0) continue;
  if (cutOff(last)) packets.cutOff[i] = 1;
  else packets.lost[i] = hops.dropped[last];
}

const messages = story.messages || [];
messages.forEach((m, i) => {
  m.index = i;
  m.packets ||= [];
  m.over ||= [];
  m.under = []; // the messages that this one carries
  m.parts ||= [];
  m.losses ||= [];
  m.explained = m.parts.length > 0 || (!m.trouble && m.received >= 0);
  m.latency = m.explained ? m.parts.reduce((sum, p) => sum + p[1], 0) : m.received >= 0 ? m.received - m.sent : -1;
  m.end = m.sent + Math.max(0, m.latency);
});
for (const m of messages) for (const o of m.over) messages[o].under.push(m.index);

// messagesOf[i] are the messages that packet i has bytes of.
const messagesOf = new Map();
for (const m of messages) {
  for (const p of m.packets) {
    if (!messagesOf.has(p)) messagesOf.set(p, []);
    messagesOf.get(p).push(m.index);
  }
}

const slowest = messages.filter((m) => m.latency >= 0).sort((a, b) => b.latency - a.latency || a.sent - b.sent);

// pathOf is what lights up with a message: the messages that carried it and
// that it carried, down to its own packets; with them, in packets, those that
// it had to wait for.
function pathOf(m) {
  const found = new Set([m.index]);
  const follow = (from, next) => {
    for (const i of messages[from][next]) {
      if (found.has(i)) continue;
      found.add(i);
      follow(i, next);
    }
  };
  follow(m.index, "over");
  const below = [...found];
  follow(m.index, "under");
  const own = new Set(below.flatMap((i) => messages[i].packets));
  const awaited = new Set(m.losses.filter((l) => l.before).flatMap((l) => lossAndCure(m, l)).filter((p) => !own.has(p)));
  return { messages: found, own, awaited, packets: new Set([...own, ...awaited]) };
}

// lossAndCure are the packet that was lost and the one that brought its bytes
// again.
function lossAndCure(m, loss) {
  const sentAt = (at) => {
    const all = [];
    for (let i = firstAbove(packets.at, at, true); i < packets.count && packets.at[i] === at; i++) {
      if (packets.conn[i] === m.conn && packets.back[i] === Number(m.back) && packets.len[i]) all.push(i);
    }
    return all;
  };
  const overlap = (p, l) => packets.from[p] < packets.from[l] + packets.len[l] && packets.from[l] < packets.from[p] + packets.len[p];
  const lost = sentAt(loss.at).filter((l) => packets.lost[l] || packets.cutOff[l]), again = sentAt(loss.again);
  return [...lost.filter((l) => again.some((p) => overlap(p, l))), ...again.filter((p) => lost.some((l) => overlap(p, l)))];
}

const fromTo = (m) => {
  const hosts = conns[m.conn] ? conns[m.conn].hosts : [-1, -1];
  return m.back ? [hosts[1], hosts[0]] : hosts;
};

// Spans are some of what there is, in the order of their beginning, found by
// time: reach[i] is the latest end of all up to i, which grows.
class Spans {
  constructor(index, start, end) {
    this.index = Int32Array.from(index);
    this.start = Float64Array.from(this.index, start);
    this.reach = new Float64Array(this.index.length);
    let reach = -Infinity;
    for (let i = 0; i < this.index.length; i++) this.reach[i] = reach = Math.max(reach, end(this.index[i]));
  }

  // between gives the bounds within which lies all that overlaps a time.
  between(from, to) {
    return [firstAbove(this.reach, from, true), firstAbove(this.start, to, false)];
  }
}

// firstAbove is the first place of a growing array with a value above (or
// equal) another.
function firstAbove(values, than, orEqual) {
  let low = 0, high = values.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (values[mid] > than || (orEqual && values[mid] === than)) high = mid;
    else low = mid + 1;
  }
  return low;
}

// What is chosen to be shown: a connection, a host; -1 is all.
const chosen = { conn: -1, host: -1 };
const shows = (conn) =>
  conn < 0
    ? chosen.conn < 0 && chosen.host < 0
    : (chosen.conn < 0 || chosen.conn === conn) && (chosen.host < 0 || conns[conn].hosts.includes(chosen.host));

// shown is what the choice leaves.
const shown = {};
function choose() {
  shown.layers = {};
  for (const layer of [7, 6, 5]) {
    const some = messages.filter((m) => m.layer === layer && shows(m.conn));
    shown.layers[layer] = new Spans(some.map((m) => m.index), (i) => messages[i].sent, (i) => messages[i].end);
    shown.layers[layer].layer = layer;
  }
  const some = [];
  for (let i = 0; i < packets.count; i++) if (shows(packets.conn[i])) some.push(i);
  shown.packets = new Spans(some, (i) => packets.at[i], (i) => packets.end[i]);
  // What is rare is drawn one by one however much there is around it.
  shown.rare = new Spans(some.filter((i) => packets.lost[i] || packets.again[i]), (i) => packets.at[i], (i) => packets.end[i]);
  shown.marks = (story.marks || []).filter((m) => (m.conn < 0 ? chosen.conn < 0 : shows(m.conn)));
  shown.messages = messages.filter((m) => shows(m.conn));
  shown.wires = wiresOf(some);
}

// wiresOf pairs the directions of wires that packets went over.
function wiresOf(some) {
  const directions = new Set();
  for (const i of some) for (const h of hopsOf[i]) directions.add(hops.wire[h]);
  const pairs = new Map();
  for (const w of directions) {
    const { name, back } = direction(story.wires[w]);
    if (!pairs.has(name)) pairs.set(name, { name, ways: [-1, -1] });
    pairs.get(name).ways[back ? 1 : 0] = w;
  }
  return [...pairs.values()].map(wire);
}

function direction(name) {
  const back = name.endsWith(" from B to A");
  return { name: name.replace(/ from (A to B|B to A)$/, ""), back };
}

// wire has the hops of a pair of directions, whoever's they are: they share the
// queue and the line. It is turned so that what comes from who opened the first
// connection that is shown goes down.
function wire({ name, ways }) {
  const of = (way) => {
    const all = [];
    for (let i = 0; i < hops.count; i++) if (hops.wire[i] === way) all.push(i);
    return all;
  };
  let both = ways.map((way) => (way < 0 ? [] : of(way)));
  const first = [...both[0], ...both[1]].sort((a, b) => a - b).find((h) => packets.conn[hops.packet[h]] >= 0 && shows(packets.conn[hops.packet[h]]));
  if (first !== undefined && (hops.wire[first] === ways[1]) !== Boolean(packets.back[hops.packet[first]])) {
    ways = [ways[1], ways[0]];
    both = [both[1], both[0]];
  }
  return {
    name, ways, ends: endsOf(name, both),
    hops: new Spans([...both[0], ...both[1]].sort((a, b) => a - b), (i) => hops.sent[i], hopEnd),
    queues: both.map(queueOf),
  };
}

// endsOf are the names of who is at the ends of a wire: hosts whose packets
// begin or end their way there, or what else the wire is called after.
function endsOf(name, both) {
  const ends = ["", ""];
  both.forEach((some, way) => {
    for (const h of some.slice(0, 1000)) {
      const p = hops.packet[h];
      if (packets.conn[p] < 0) continue;
      const hosts = conns[packets.conn[p]].hosts;
      if (hopsOf[p][0] === h) ends[way] ||= story.hosts[hosts[packets.back[p]]] ?? "";
      if (hopsOf[p].at(-1) === h && packets.took[p] >= 0) ends[1 - way] ||= story.hosts[hosts[1 - packets.back[p]]] ?? "";
    }
  });
  for (const way of [0, 1]) {
    const other = ends[1 - way];
    if (ends[way] || !other) continue;
    if (name.startsWith(other + "-")) ends[way] = name.slice(other.length + 1);
    else if (name.endsWith("-" + other)) ends[way] = name.slice(0, -other.length - 1);
  }
  return ends;
}

// queueOf is how many packets waited, from moment to moment.
function queueOf(all) {
  const steps = [];
  for (const i of all) {
    if (!hops.queued[i]) continue;
    steps.push([hops.sent[i], 1], [hops.sent[i] + hops.queued[i], -1]);
  }
  steps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const at = new Float64Array(steps.length), depth = new Int32Array(steps.length);
  let now = 0, most = 0;
  steps.forEach(([when, change], i) => {
    at[i] = when;
    depth[i] = now += change;
    most = Math.max(most, now);
  });
  return { at, depth, most };
}
