// Pointer and keys.

const pointers = new Map(); // that are down: id to place
let drag = null;
let wheeled = 0;

function place(e) {
  const box = canvas.getBoundingClientRect();
  return { x: e.clientX - box.left, y: e.clientY - box.top };
}

const overviewTime = (x) => whole.from + ((x - area.x) / area.w) * (whole.to - whole.from);

// messageAt is the message at a place, or that of a segment there; -1: none.
function messageAt({ x, y }) {
  for (let i = targets.length - 1; i >= 0; i--) {
    const t = targets[i];
    if (x >= t.x0 && x <= t.x1 && y >= t.y0 && y <= t.y1) return t.message;
  }
  const p = packetAt({ x, y });
  return p >= 0 ? (messagesOf.get(p)?.[0] ?? -1) : -1;
}

// packetAt is the segment whose line is at a place; -1: none.
function packetAt({ x, y }) {
  const lane = lanes.find((l) => y >= l.box.y && y < l.box.y + l.box.h);
  if (!lane || x < area.x || (lane.layer !== 4 && lane.layer !== 1)) return -1;
  const spans = lane.layer === 4 ? shown.packets : lane.wire?.hops;
  if (!spans) return -1; // no wires were recorded
  const [from, to] = spans.between(T(x - 8), T(x + 8));
  if (to - from > crowd.packets) return -1;
  const [top, bottom] = lane.rails(lane.box);
  let best = 7, found = -1;
  for (let i = from; i < to; i++) {
    const n = spans.index[i];
    const p = lane.layer === 4 ? n : hops.packet[n];
    const back = lane.layer === 4 ? packets.back[p] : lane.wire.ways.indexOf(hops.wire[n]);
    const begin = lane.layer === 4 ? packets.at[n] : hops.sent[n] + hops.queued[n];
    const end = lane.layer === 4 ? packets.end[n] : hopEnd(n);
    const lost = lane.layer === 4 && packets.lost[n];
    const share = Math.min(1, Math.max(0, back ? (bottom - y) / (bottom - top) : (y - top) / (bottom - top)));
    if (lost && share > 0.56) continue;
    const d = Math.abs(X(begin + (end - begin) * (lost ? share * 2 : share)) - x);
    if (d < best) [best, found] = [d, p];
  }
  return found;
}

function pointAt(at) {
  if (!at || at.x < area.x) {
    now.pointed = null;
    $("tip").hidden = true;
    return redraw();
  }
  now.pointed = { ...at, time: T(at.x) };
  const p = packetAt(at);
  const m = p >= 0 ? -1 : messageAt(at);
  canvas.style.cursor = drag ? "grabbing" : m >= 0 || (p >= 0 && messagesOf.has(p)) ? "pointer" : at.y < overview.h ? "col-resize" : "default";
  if (m >= 0) tip(at, word(messages[m].name), `${way(messages[m])}${messages[m].latency >= 0 ? ", " + duration(messages[m].latency) : ", not received"}\n${longest(messages[m])}`);
  else if (p >= 0) tip(at, segmentName(p), packetInWords(p));
  else $("tip").hidden = true;
  redraw();
}

const longest = (m) => partsOf(m).sort((a, b) => b[1] - a[1]).slice(0, 3).map(([name, took]) => `${name} ${duration(took)}`).join("\n");

function packetInWords(p) {
  const says = [`${word(packets.text[p])}${packets.size[p] ? `, ${count(packets.size[p], "byte")}` : ""}, sent at ${moment(packets.at[p], 1e4)}`];
  if (packets.took[p] >= 0) says.push(`arrived ${duration(packets.took[p])} later`);
  if (packets.lost[p]) says.push(`lost: ${word(packets.lost[p])}`);
  for (const h of hopsOf[p]) if (hops.note[h]) says.push(word(hops.note[h]));
  const carried = (messagesOf.get(p) || []).slice(0, 3).map((i) => `of ${isolated(word(messages[i].name))}`);
  return [...says, ...carried].join("\n");
}

function tip(at, head, more) {
  const t = $("tip");
  t.replaceChildren(el("b", {}, said$(head)), "\n", more);
  t.hidden = false;
  const stage = $("stage").getBoundingClientRect(), box = canvas.getBoundingClientRect();
  const x = at.x + box.left - stage.left, y = at.y + box.top - stage.top;
  t.style.left = `${Math.max(4, Math.min(x + 14, stage.width - t.offsetWidth - 6))}px`;
  t.style.top = `${Math.max(4, y + 18 + t.offsetHeight > stage.height ? y - t.offsetHeight - 10 : y + 18)}px`;
}

canvas.addEventListener("pointerdown", (e) => {
  if (e.button !== 0) return;
  const at = place(e);
  pointers.set(e.pointerId, at);
  canvas.setPointerCapture(e.pointerId);
  if (pointers.size === 1) drag = { ...at, from: view.from, to: view.to, scroll: scroller.scrollTop, moved: false, over: at.y < overview.h };
  if (drag?.over) moveWindow(at);
});

function moveWindow(at) {
  const half = (view.to - view.from) / 2, middle = overviewTime(at.x);
  jump(middle - half, middle + half);
}

canvas.addEventListener("pointermove", (e) => {
  const at = place(e);
  if (!pointers.has(e.pointerId)) {
    if (e.pointerType !== "touch") pointAt(at);
    return;
  }
  const before = pointers.get(e.pointerId);
  pointers.set(e.pointerId, at);
  if (pointers.size === 2) {
    const [a, b] = [...pointers.values()];
    const other = a === at ? b : a;
    const was = Math.max(20, Math.abs(before.x - other.x)), is = Math.max(20, Math.abs(at.x - other.x));
    zoom(was / is, T((at.x + other.x) / 2));
    drag = null;
    return;
  }
  if (!drag) return;
  drag.moved ||= Math.hypot(at.x - drag.x, at.y - drag.y) > 4;
  if (drag.over) return moveWindow(at);
  if (!drag.moved) return;
  const by = ((drag.x - at.x) / area.w) * (drag.to - drag.from);
  jump(drag.from + by, drag.to + by);
  if (e.pointerType !== "touch") scroller.scrollTop += before.y - at.y;
});

function release(e) {
  const at = place(e);
  const click = e.type === "pointerup" && drag && !drag.moved && !drag.over && pointers.size === 1;
  pointers.delete(e.pointerId);
  drag = null;
  if (!click) return;
  const m = messageAt(at);
  if (m >= 0) select(m);
  else if (now.selected >= 0) select(-1);
}
canvas.addEventListener("pointerup", release);
canvas.addEventListener("pointercancel", release);
canvas.addEventListener("pointerleave", () => pointAt(null));

canvas.addEventListener("wheel", (e) => {
  e.preventDefault();
  const unit = e.deltaMode === 1 ? 16 : e.deltaMode === 2 ? 400 : 1;
  const [dx, dy] = [e.deltaX * unit, e.deltaY * unit];
  const span = view.to - view.from;
  if (e.shiftKey || Math.abs(dx) > Math.abs(dy)) return pan((((e.shiftKey && !dx ? dy : dx) / area.w) * span));
  wheeled = performance.now();
  // A trackpad's pinch comes as a wheel with Control, in small steps.
  zoom(Math.exp(Math.max(-400, Math.min(400, dy)) * (e.ctrlKey ? 0.01 : 0.0018)), T(Math.max(area.x, place(e).x)));
}, { passive: false });
canvas.addEventListener("dblclick", (e) => zoom(0.5, T(place(e).x)));

// step goes to the next message, by the time of sending, that is shown.
function step(by) {
  const all = shown.messages;
  if (!all.length) return;
  const from = now.cursor >= 0 ? now.cursor : now.selected;
  let i = all.findIndex((m) => m.index === from);
  if (i < 0) {
    i = all.findIndex((m) => m.sent >= view.from); // the first to be seen
    if (i < 0) i = all.length - 1;
    i -= by > 0 ? 1 : 0;
  }
  const m = all[Math.min(Math.max(i + by, 0), all.length - 1)];
  now.cursor = m.index;
  say(`${word(m.name)}, ${way(m)}: ${m.latency < 0 ? "not received" : duration(m.latency)}`);
  show(m);
  redraw();
}

const keys = {
  ArrowLeft: () => pan(-(view.to - view.from) * 0.15),
  ArrowRight: () => pan((view.to - view.from) * 0.15),
  "+": () => zoom(1 / 1.5, middle()),
  "=": () => zoom(1 / 1.5, middle()),
  "-": () => zoom(1.5, middle()),
  _: () => zoom(1.5, middle()),
  Home: () => glide(whole.from, whole.from + view.to - view.from),
  End: () => glide(whole.to - (view.to - view.from), whole.to),
  0: () => glide(whole.from, whole.to),
  n: () => step(1),
  p: () => step(-1),
  z: () => now.selected >= 0 && show(messages[now.selected], true),
  t: () => changeTheme(),
  "?": () => $("keys").showModal(),
  Escape: () => { now.cursor = -1; select(-1); },
};

// middle is what the keys zoom around: the selected message where it is seen.
function middle() {
  const m = messages[now.cursor >= 0 ? now.cursor : now.selected];
  const at = m && (m.sent + m.end) / 2;
  return at > view.from && at < view.to ? at : (view.from + view.to) / 2;
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || $("keys").open) return;
  const typing = e.target.closest("input, select");
  if (typing && !(e.key === "Escape" && typing.id === "filter")) return;
  if (e.key === "Enter") {
    if (e.target === canvas || e.target === document.body) {
      if (now.cursor >= 0) select(now.cursor);
    }
    return;
  }
  const f = keys[e.key];
  if (!f) return;
  e.preventDefault();
  f();
});

function changeTheme() {
  nextTheme();
  backdrop = null;
  redraw();
}
