// What happens, newest first.

import { clock, count } from "./format.js";
import { make, setText } from "./make.js";

const most = 300;
let notShown = 0;

export function show({ events, lost, leftOut }) {
  const list = document.querySelector("#ladder ol");
  notShown += lost;
  const missing = notShown + leftOut;
  setText(document.querySelector("#ladder-note"), missing ? `newest first; ${count(missing)} left out: more than can be shown` : "newest first");
  if (document.querySelector("#pause").checked || !events.length) return;
  list.prepend(...events.slice(-most).reverse().map(line));
  while (list.children.length > most) list.lastChild.remove();
}

const arrows = { in: "◄", out: "►" };

function line({ text, event }) {
  const bad = event.kind === "passage" || event.kind === "retransmission" || /^RST/.test(text);
  return make("li", { title: `${event.local || ""} ${event.remote || ""}` },
    make("time", {}, clock(event.time)), make("span", { class: "layer" }, `L${event.layer}`),
    make("span", { class: event.dir || "none" }, arrows[event.dir] || "·"), make("span", { class: bad ? "what bad" : "what" }, text));
}
