// Messages, and where their time went.

import { clock, duration } from "./format.js";
import { make } from "./make.js";

let shown = "";

// What only carries a message that is here is left out: it is the same once more.
export function show(told) {
  const messages = told.messages.filter((m) => !m.carrier);
  const said = JSON.stringify(messages);
  if (said === shown) return;
  shown = said;
  document.querySelector("#messages ol").replaceChildren(...messages.map(item));
}

function item(m) {
  const took = m.trouble ? "–" : duration(m.took);
  const about = `${clock(m.at)}  ${m.kind}  ${m.from} → ${m.to}` + (m.oneEnd ? "; one end only: " + (m.until === "received" ? "from when it came to the wire" : `until ${m.until}`) : "");
  const li = make("li", {},
    make("div", { class: "headline" }, make("span", { class: "text", title: m.text }, m.said), make("span", { class: "took" }, took)),
    make("div", { class: "about" }, about));
  if (m.trouble) {
    li.append(make("div", { class: "about" }, m.trouble));
    return li;
  }
  const bar = make("div", { class: "bar" });
  const parts = make("div", { class: "parts" });
  for (const p of m.parts) {
    const colour = `p-${p.name.replaceAll(" ", "-")}`;
    const piece = make("i", { class: colour });
    piece.style.width = `${(100 * p.took) / m.took}%`;
    bar.append(piece);
    if (p.took * 50 >= m.took) parts.append(make("span", { title: p.why || "" }, make("i", { class: colour }), `${p.name} ${duration(p.took)}`));
  }
  li.append(bar, parts, ...m.lost.map((l) => make("div", { class: "lost" }, l)));
  return li;
}
