// Beside the chart: the slowest messages, and all about the one that is selected.

const $ = (id) => document.getElementById(id);

// el makes an element. What is in it is text, whatever it looks like.
function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name === "on") e.addEventListener("click", value);
    else if (name === "class") e.className = value;
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== ""));
  return e;
}
const said$ = (s) => el("bdi", {}, s); // what a peer has said

const listed = 50;

function way(m) {
  const [from, to] = fromTo(m).map(hostName);
  return `${from} → ${to}`;
}

function bar(parts, whole, klass = "bar") {
  const e = el("div", { class: klass, "aria-hidden": "true" });
  for (const [name, took] of parts) {
    if (!took) continue;
    const i = el("i", { class: `p-${slug(name)}`, title: `${name}: ${duration(took)}` });
    i.style.width = `${(took / Math.max(1, whole)) * 100}%`;
    e.append(i);
  }
  return e;
}

const partsOf = (m) => m.parts.map(([name, took, why]) => [word(name), took, word(why)]);

function fillList() {
  const wanted = $("filter").value.trim().toLowerCase();
  const has = (m) => shows(m.conn) && (!wanted || word(m.text).toLowerCase().includes(wanted));
  // What carries one that is listed is not listed too: it is the same once more.
  const fits = slowest.filter((m) => has(m) && !m.under.some((i) => messages[i].latency >= 0 && has(messages[i])));
  $("slowest").replaceChildren(...fits.slice(0, listed).map((m) =>
    el("li", {}, el("button", { type: "button", "data-message": m.index, on: () => select(m.index, true) },
      el("span", { class: "name", title: word(m.text) }, said$(word(m.said))),
      el("span", { class: "took" }, duration(m.latency)),
      el("span", { class: "way" }, `${way(m)} · ${word(m.kind)} · sent at ${moment(m.sent)}`),
      bar(partsOf(m), m.latency))),
  ));
  const lost = shown.messages.filter((m) => m.received < 0 && (!wanted || word(m.text).toLowerCase().includes(wanted)));
  const says = [];
  if (fits.length > listed) says.push(`and ${count(fits.length - listed, "faster one")}.`);
  if (!fits.length) says.push(messages.length ? "None that fits." : "The recording has no messages of layers 5 to 7.");
  if (lost.length) says.push(`${count(lost.length, "message was", "messages were")} not received: ✕ in the lanes.`);
  $("more").textContent = says.join(" ");
}

function fillDetail() {
  const selected = now.selected >= 0;
  $("list").hidden = selected;
  $("detail").hidden = !selected;
  if (!selected) return $("detail").replaceChildren();
  const m = messages[now.selected];
  $("detail").replaceChildren(
    el("nav", {},
      el("button", { type: "button", on: () => select(-1) }, "‹ All messages"), el("span", { class: "grow" }),
      el("button", { type: "button", on: () => show(m, true) }, "Zoom to it")),
    el("h2", {}, said$(word(m.name))),
    el("p", { class: "told" }, said$(word(m.text))),
    el("p", { class: "head" },
      el("span", { class: "big", "data-ns": m.latency }, m.latency < 0 ? "not received" : duration(m.latency)),
      el("span", { class: "quiet" }, said$(way(m)), ` · sent at ${moment(m.sent, 1e3)}`)),
    ...breakdown(m),
    ...lossesOf(m),
    el("h3", {}, "Its way through the layers"), pathList(m),
  );
  $("panel").scrollTop = 0;
}

// breakdown is the stacked bar and the table whose sum is the latency.
function breakdown(m) {
  if (m.trouble) return [el("p", { class: "quiet trouble" }, word(m.trouble))];
  const all = partsOf(m), sum = all.reduce((n, [, took]) => n + took, 0);
  const exact = exactly([...all.map(([, took]) => took), sum]);
  const share = (took) => (sum ? `${trimmed(((took / sum) * 100).toFixed(1))} %` : "");
  return [
    bar(all, sum, "bar whole"),
    el("table", { id: "breakdown" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Part"), el("th", { scope: "col", class: "n" }, "Took"), el("th", { scope: "col", class: "n" }, "Share"))),
      el("tbody", {}, ...all.flatMap(([name, took, why]) => [
        el("tr", {}, el("th", { scope: "row" }, el("span", { class: `swatch p-${slug(name)}` }), name),
          el("td", { class: "n", "data-ns": took }, exact(took)), el("td", { class: "n" }, share(took))),
        why ? el("tr", { class: "why" }, el("td", { colspan: 3 }, said$(why))) : "",
      ])),
      el("tfoot", {}, el("tr", {}, el("th", { scope: "row" }, "Latency"), el("td", { class: "n", "data-ns": sum }, exact(sum)), el("td", { class: "n" }, sum ? "100 %" : "")))),
  ];
}

function lossesOf(m) {
  if (!m.losses.length) return [];
  return [
    el("h3", {}, m.losses.length === 1 ? "What was lost" : `What was lost, ${m.losses.length} times`),
    el("ul", { class: "losses" }, ...m.losses.map((l) => el("li", {}, said$(word(l.text)),
      el("small", {}, `sent at ${moment(l.at, 1e4)}, again at ${moment(l.again, 1e4)}${l.before ? "; it belonged to what was sent before" : ""}`)))),
  ];
}

// pathList goes from the message down to the wires.
function pathList(m) {
  const path = pathOf(m), rows = [];
  for (const other of [...path.messages].map((i) => messages[i]).sort((a, b) => b.layer - a.layer || a.sent - b.sent).slice(0, 40)) {
    const self = other.index === m.index;
    rows.push(el("li", { "data-layer": other.layer },
      self ? el("div", { class: "what" }, word(other.kind), " ", said$(word(other.name)))
        : el("button", { type: "button", class: "link", on: () => select(other.index) }, word(other.kind), " ", said$(word(other.name))),
      el("small", {}, `${moment(other.sent, 1e4)} to ${other.received < 0 ? "?" : moment(other.received, 1e4)}`),
      self || !other.over.length ? bytes(other) : null));
  }
  const sends = [...path.own].sort((a, b) => a - b);
  if (sends.length) rows.push(el("li", { "data-layer": 4 }, el("div", { class: "what" }, sendsInWords(sends)), sendList(sends)));
  const awaited = [...path.awaited].sort((a, b) => a - b);
  if (awaited.length) rows.push(el("li", { "data-layer": 4 }, el("div", { class: "what" }, "it waited for"), sendList(awaited)));
  const wires = new Set(sends.flatMap((p) => hopsOf[p].map((h) => direction(story.wires[hops.wire[h]]).name)));
  if (wires.size) rows.push(el("li", { "data-layer": 1 }, el("div", { class: "what" }, said$([...wires].join(", ")))));
  return el("ul", { class: "path" }, ...rows);
}

function bytes(m) {
  if (m.to <= m.from) return null;
  const c = conns[m.conn];
  return el("small", {}, `bytes ${m.from.toLocaleString("en")} to ${m.to.toLocaleString("en")} of the stream (${count(m.to - m.from, "byte")}${m.records ? `, in ${count(m.records, "TLS record")}` : ""}), `,
    said$(`${c.addrs[m.back ? 1 : 0]} → ${c.addrs[m.back ? 0 : 1]}`));
}

function sendsInWords(sends) {
  const lost = sends.filter((p) => packets.lost[p]).length, again = sends.filter((p) => packets.again[p]).length;
  const cut = sends.filter((p) => packets.cutOff[p]).length;
  return [count(sends.length, "segment"), again && `${again} sent again`, lost && `${lost} lost`, cut && `${cut} cut off`].filter(Boolean).join(", ");
}

const mostSends = 60;
function sendList(sends) {
  // What matters first where there are too many: losses and what followed.
  let some = sends;
  if (sends.length > mostSends) {
    const rare = sends.filter((p) => packets.lost[p] || packets.again[p]).slice(0, mostSends - 4);
    some = [...new Set([...sends.slice(0, 2), ...rare, ...sends.slice(-2)])].sort((a, b) => a - b);
  }
  const longest = Math.max(1, ...some.map((p) => packets.end[p] - packets.at[p]));
  return el("ul", { class: "sends" }, ...some.map((p) => {
    const [queue, bits, way] = hopsOf[p].reduce(([a, b, c], h) => [a + hops.queued[h], b + hops.serialized[h], c + hops.delayed[h]], [0, 0, 0]);
    const lost = packets.lost[p];
    const where = lost || packets.cutOff[p] ? direction(story.wires[hops.wire[hopsOf[p].at(-1)]]) : null;
    return el("li", {},
      el("div", { class: "row" },
        el("span", {}, lost ? el("span", { class: "lost" }, "✕ ") : "", segmentName(p), lost ? el("span", { class: "lost" }, ` lost: ${word(lost)}`) : packets.cutOff[p] ? el("span", { class: "quiet" }, " cut off with the wire") : ""),
        el("span", { class: "quiet" }, moment(packets.at[p], 1e4))),
      where ? el("small", {}, said$(`on ${where.name}${where.back ? ", from B to A" : ", from A to B"}`)) : null,
      queue + bits + way ? bar([["queue", queue], ["serialization", bits], ["propagation", way]], longest) : null,
      queue + bits + way ? el("small", {}, [["queue", queue], ["serialization", bits], ["propagation", way]].filter(([, t]) => t).map(([n, t]) => `${n} ${duration(t)}`).join(" · ")) : null);
  }), some.length < sends.length ? el("li", { class: "quiet" }, `and ${count(sends.length - some.length, "segment")} more that arrived the first time`) : null);
}

// select lights up a message; -1 is none.
function select(index, go = false) {
  now.selected = index;
  now.cursor = index >= 0 ? index : now.cursor;
  now.path = index >= 0 ? pathOf(messages[index]) : null;
  fillDetail();
  if (index >= 0) {
    const m = messages[index];
    say(`${word(m.name)}, ${way(m)}: ${m.latency < 0 ? "not received" : duration(m.latency)}`);
    if (go) show(m, true);
    else show(m);
    if (chosen.conn < 0) plan(); // the strips are its connection's
  }
  redraw();
}

const say = (s) => { $("said").textContent = s; };
