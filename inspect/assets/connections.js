// Connections as netstat has them, with what RTT and cwnd were over the last
// minute.

import { bytes, count, duration } from "./format.js";
import { drawing, make, setText } from "./make.js";

const samples = 60;
const rows = new Map(); // by connection

export function show({ connections, total, followed }) {
  const body = document.querySelector("#connections tbody");
  const named = document.querySelector("#connections-count");
  setText(named, total > connections.length ? `${count(total)}, the ${connections.length} that are followed or have most bytes` : total ? count(total) : "");
  setText(document.querySelector("#followed"), followed < total
    ? `of ${count(followed)} of ${count(total)} connections (•): all together say more than can be followed` : "and where their time went");
  const seen = new Set();
  for (const c of connections) {
    const key = `${c.host} ${c.local} ${c.remote}`;
    seen.add(key);
    if (!rows.has(key)) rows.set(key, new Row(c));
    rows.get(key).show(c);
  }
  for (const key of rows.keys()) if (!seen.has(key)) { rows.get(key).element.remove(); rows.delete(key); }
  // Moved only where the order is another: a row under the mouse stays.
  connections.forEach((c, i) => {
    const { element } = rows.get(`${c.host} ${c.local} ${c.remote}`);
    if (body.children[i] !== element) body.insertBefore(element, body.children[i] || null);
  });
}

class Row {
  constructor(c) {
    this.rtts = [];
    this.cwnds = [];
    this.rttLine = drawing("spark", `0 0 ${samples - 1} 20`, "");
    this.cwndLine = drawing("spark cwnd", `0 0 ${samples - 1} 20`, "");
    const cell = (...children) => make("td", {}, ...children);
    const number = () => make("td", { class: "number" });
    [this.state, this.rtt, this.cwnd, this.sent, this.received, this.again] = [cell(), number(), number(), number(), number(), number()];
    this.followed = make("span", { class: "followed" });
    this.element = make("tr", {}, cell(this.followed, make("span", { class: "mono" }, c.remote), make("span", { class: "quiet" }, ` → ${c.local.slice(c.local.lastIndexOf(":"))}`)),
      this.state, this.rtt, cell(this.rttLine), this.cwnd, cell(this.cwndLine), this.sent, this.received, this.again);
  }

  show(c) {
    this.element.title = c.line;
    setText(this.followed, c.followed ? "• " : "");
    setText(this.state, c.congestion && c.congestion !== "open" ? `${c.state} (${c.congestion})` : c.state);
    setText(this.rtt, c.rtt ? duration(c.rtt) : "–");
    setText(this.cwnd, String(c.cwnd || "–"));
    setText(this.sent, bytes(c.bytesSent));
    setText(this.received, bytes(c.bytesReceived));
    setText(this.again, c.retransmissions ? count(c.retransmissions) : "");
    this.again.className = c.retransmissions ? "number bad" : "number";
    draw(this.rttLine, this.rtts, c.rtt);
    draw(this.cwndLine, this.cwnds, c.cwnd);
  }
}

function draw(line, values, value) {
  values.push(value);
  if (values.length > samples) values.shift();
  const top = Math.max(...values, 1e-9);
  const from = samples - values.length;
  line.firstChild.setAttribute("d", values.map((v, i) => `${i ? "L" : "M"}${from + i} ${(19 - (v / top) * 18).toFixed(1)}`).join(""));
}
