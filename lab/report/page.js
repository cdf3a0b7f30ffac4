"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const colors = [0, 1, 2, 3, 4, 5, 6, 7].map(i => `var(--c${i})`);
// What the axes that a picture does not spread are held at.
const held = data.axes.map(a => a.values[0]);
const index = name => data.axes.findIndex(a => a.name === name);

function el(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) k in e ? e[k] = v : e.setAttribute(k, v);
  e.append(...children);
  return e;
}
function svg(tag, props = {}, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(props)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
}
function digits(v) {
  const a = Math.abs(v);
  return String(+v.toFixed(a === Math.trunc(a) ? 0 : a < 1 ? 3 : a < 10 ? 2 : a < 100 ? 1 : 0));
}
function format(v, unit) {
  if (v === null || v === undefined) return "–";
  const a = Math.abs(v);
  if (unit === "s") return a === 0 ? "0 ms" : a < 1e-3 ? digits(v * 1e6) + " µs" : a < 1 ? digits(v * 1e3) + " ms" : digits(v) + " s";
  if (unit === "bit/s") return a < 1e3 ? digits(v) + " bit/s" : a < 1e6 ? digits(v / 1e3) + " kbit/s" : a < 1e9 ? digits(v / 1e6) + " Mbit/s" : digits(v / 1e9) + " Gbit/s";
  return digits(v) + (unit ? " " + unit : "");
}
// inkOn is black or white, whichever is read better on a colour of that strength
// over a card: one of them always has a contrast of 4.5 or more.
function inkOn(strength, card) {
  const numbers = text => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  const under = numbers(getComputedStyle(card).backgroundColor), over = numbers(getComputedStyle(card).getPropertyValue("--heat"));
  const [r, g, b] = over.map((v, i) => (v * strength + under[i] * (1 - strength)) / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const l = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (l + 0.05) / 0.05 > 1.05 / (l + 0.05) ? "#000" : "#fff";
}
function select(label, options, value, change) {
  const s = el("select", {}, ...options.map(o => el("option", { value: o, textContent: o, selected: o === value })));
  s.addEventListener("change", () => {
    change(s.value);
    draw();
    for (const l of document.querySelectorAll("label")) if (l.firstChild.data === label) l.querySelector("select").focus();
  });
  return el("label", {}, label, s);
}
function pointAt(at) { return data.points.find(p => p.at.every((v, i) => v === at[i])); }
function along(axis, value) { const at = held.slice(); if (axis >= 0) at[axis] = value; return pointAt(at); }
function count(n, one) { return `${n} ${one}${n === 1 ? "" : "s"}`; }
function named(p) { return p.at.map((v, i) => `${data.axes[i].name} ${v}`).join(", ") || data.workload; }

const show = {
  column: Math.max(0, data.columns.findIndex(c => c.title === "p99")),
  x: Math.max(0, index("delay") >= 0 ? index("delay") : data.axes.findIndex(a => a.name !== "loss")),
  y: -1, // without a second axis
  sample: data.samples[0]?.name,
  lines: Math.max(index("engine"), index("loss"), 0),
};
show.y = index("loss") >= 0 && index("loss") !== show.x ? index("loss") : data.axes.findIndex((_, i) => i !== show.x);

// Heat map: one column's value, two axes spread, the others held.
function heat() {
  const section = document.getElementById("heat");
  section.hidden = !data.axes.length || !data.points.some(p => p.values.some(v => v !== null));
  if (section.hidden) return;
  const box = document.querySelector("#heat .figure"), pick = document.querySelector("#heat .pick");
  const c = data.columns[show.column];
  pick.replaceChildren(select("value ", data.columns.map((c, i) => `${i + 1}. ${c.title}`), `${show.column + 1}. ${c.title}`, v => show.column = parseInt(v) - 1));
  if (data.axes.length > 2) pick.append(
    select("across ", data.axes.map(a => a.name), data.axes[show.x].name, v => { const i = index(v); if (i === show.y) show.y = show.x; show.x = i; }),
    select("down ", data.axes.map(a => a.name), data.axes[show.y].name, v => { const i = index(v); if (i === show.x) show.x = show.y; show.y = i; }));
  const xs = data.axes[show.x].values, ys = show.y >= 0 ? data.axes[show.y].values : [""];
  const cells = ys.map(y => xs.map(x => { const at = held.slice(); at[show.x] = x; if (show.y >= 0) at[show.y] = y; return pointAt(at); }));
  const values = cells.flat().filter(p => p && p.values[show.column] !== null).map(p => p.values[show.column]);
  const positive = values.filter(v => v > 0), most = Math.max(...values), least = Math.min(...values);
  const log = positive.length === values.length && most / least > 20;
  const part = v => most === least ? 0 : log ? Math.log(v / least) / Math.log(most / least) : (v - least) / (most - least);
  const t = el("table", { className: "heat" });
  t.append(el("caption", { textContent: `${c.title}: ${data.axes[show.x].name} across${show.y >= 0 ? `, ${data.axes[show.y].name} down` : ""}${log ? " (colour by the logarithm)" : ""}` }));
  t.append(el("tr", {}, el("th"), ...xs.map(x => el("th", { textContent: x }))));
  cells.forEach((row, r) => t.append(el("tr", {}, el("th", { textContent: ys[r] }), ...row.map((p, i) => {
    const v = p?.values[show.column] ?? null;
    const td = el("td", { textContent: !p ? "" : v === null && p.failed === p.seeds ? "broken" : format(v, c.unit) });
    if (p?.error) td.title = `${named(p)}: ${count(p.failed, "cell")} broke: ${p.error}`;
    if (v !== null) {
      const strength = 0.08 + 0.85 * part(v);
      td.style.background = `rgba(var(--heat), ${strength})`;
      td.style.color = inkOn(strength, section);
      td.title = `${named(p)}: ${format(v, c.unit)}, ${count(p.seeds, "seed")}${p.failed ? `, ${p.failed} broken: ${p.error}` : ""}`;
      td.tabIndex = 0;
      const choose = () => { held[show.x] = xs[i]; if (show.y >= 0) held[show.y] = ys[r]; draw(); };
      td.addEventListener("click", choose);
      td.addEventListener("keydown", e => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); choose(); } });
      if (p === pointAt(held)) td.className = "chosen";
    }
    return td;
  }))));
  box.replaceChildren(el("div", { className: "scroll" }, t));
}

// A picture with two axes, as wide as its box, or wider where that is too narrow for
// it. lines: {name, color, dashed, points: [[x, y, low, high]]}.
function chart({ lines, x, y, title, width }) {
  const H = 330, L = 76, R = 30, T = 12, B = 46, letter = 7;
  const longest = Math.max(0, ...(x.labels ?? []).map(l => l.length));
  const W = Math.max(300, Math.min(860, width), L + R + (x.labels?.length ?? 0) * (longest + 2) * letter);
  const all = lines.flatMap(l => l.points);
  const s = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": title, width: W });
  const scale = (a, from, to, values) => {
    if (a.labels) return { at: v => from + (to - from) * (a.labels.length > 1 ? 0.06 + 0.88 * v / (a.labels.length - 1) : 0.5), ticks: a.labels.map((l, i) => [i, l]) };
    let lo = Math.min(...values), hi = Math.max(...values);
    if (a.log) {
      if (a.room) { lo /= 1.15; hi *= 1.15; }
      if (hi / lo < 4) { lo /= 1.5; hi *= 1.5; }
      const ticks = [];
      const per = Math.log10(hi / lo) > 3 ? [1] : [1, 2, 5];
      for (let e = Math.floor(Math.log10(lo)); e <= Math.ceil(Math.log10(hi)); e++) for (const m of per) { const v = m * 10 ** e; if (v >= lo * 0.999 && v <= hi * 1.001) ticks.push([v, format(v, a.unit)]); }
      return { at: v => from + (to - from) * Math.log(v / lo) / Math.log(hi / lo), ticks };
    }
    if (a.zero) lo = Math.min(0, lo);
    const first = lo, room = hi > lo ? (hi - lo) * 0.04 : Math.abs(lo) / 2 || 1;
    if (a.room) { hi += room; if (!a.zero) lo -= room; }
    if (hi === lo) hi = lo + 1;
    const step = 10 ** Math.floor(Math.log10((hi - lo) / 4)), n = [1, 2, 5, 10].find(m => (hi - lo) / (m * step) <= 6) * step;
    const ticks = [];
    for (let v = Math.ceil(lo / n) * n; v <= hi + n / 1e6; v += n) if (v >= 0 || first < 0) ticks.push([v, format(+v.toPrecision(12), a.unit)]);
    return { at: v => from + (to - from) * (v - lo) / (hi - lo), ticks };
  };
  const sx = scale(x, L, W - R, all.map(p => p[0])), sy = scale(y, H - B, T, all.flatMap(p => p.slice(1).filter(v => v !== undefined)));
  for (const [v, label] of sy.ticks) s.append(svg("line", { class: "grid", x1: L, x2: W - R, y1: sy.at(v), y2: sy.at(v) }), svg("text", { x: L - 8, y: sy.at(v) + 4, "text-anchor": "end" }, label));
  let free = 0; // of other labels, from there
  for (const [v, label] of sx.ticks) {
    s.append(svg("line", { class: "grid", x1: sx.at(v), x2: sx.at(v), y1: T, y2: H - B }));
    const half = label.length * letter / 2;
    if (sx.at(v) - half < free) continue;
    s.append(svg("text", { x: sx.at(v), y: H - B + 17, "text-anchor": "middle" }, label));
    free = sx.at(v) + half;
  }
  s.append(svg("line", { class: "axis", x1: L, x2: W - R, y1: H - B, y2: H - B }), svg("line", { class: "axis", x1: L, x2: L, y1: T, y2: H - B }));
  s.append(svg("text", { x: (L + W - R) / 2, y: H - 8, "text-anchor": "middle" }, x.name));
  // Between kinds there is nothing to draw a line through, nor beside a single point.
  const joined = l => !x.kinds && l.points.length > 1;
  for (const l of lines) {
    if (joined(l)) s.append(svg("path", { d: l.points.map((p, i) => `${i && !l.steps ? "L" : i ? `H${sx.at(p[0])}V` : "M"}${i && l.steps ? sy.at(p[1]) : `${sx.at(p[0])},${sy.at(p[1])}`}`).join(""), fill: "none", stroke: l.color, "stroke-width": 2, ...(l.dashed ? { "stroke-dasharray": "6 4" } : {}) }));
    if (!l.marks && joined(l)) continue;
    for (const p of l.points) {
      if (p[2] !== undefined) s.append(svg("line", { x1: sx.at(p[0]), x2: sx.at(p[0]), y1: sy.at(p[2]), y2: sy.at(p[3]), stroke: l.color, "stroke-width": 1.5 }));
      const dot = svg("circle", { cx: sx.at(p[0]), cy: sy.at(p[1]), r: l.dashed ? 5 : 4, ...(l.dashed ? { fill: "none", stroke: l.color, "stroke-width": 2 } : { fill: l.color }) });
      dot.append(svg("title", {}, `${l.name}: ${format(p[1], y.unit)}${p[2] !== undefined ? ` (${format(p[2], y.unit)} to ${format(p[3], y.unit)})` : ""}`));
      s.append(dot);
    }
  }
  const legend = el("ul", { className: "legend" }, ...lines.map(l => {
    const key = el("span", { className: `${joined(l) ? "" : "dot"} ${l.dashed ? "dashed" : ""}` });
    key.style.borderColor = l.color;
    return el("li", {}, key, l.name);
  }));
  return el("div", { className: "chart" }, el("p", { className: "title", textContent: title }), el("div", { className: "scroll" }, s), legend);
}

// ECDF: a line for each value of one axis.
function ecdf() {
  const section = document.getElementById("ecdf");
  section.hidden = !data.samples.length;
  if (section.hidden) return;
  const pick = section.querySelector(".pick"), unit = data.samples.find(s => s.name === show.sample).unit;
  pick.replaceChildren();
  if (data.samples.length > 1) pick.append(select("of ", data.samples.map(s => s.name), show.sample, v => show.sample = v));
  if (data.axes.length > 1) pick.append(select("a line for each ", data.axes.map(a => a.name), data.axes[show.lines].name, v => show.lines = index(v)));
  const values = data.axes.length ? data.axes[show.lines].values : [""];
  const lines = values.map((v, i) => [v, along(data.axes.length ? show.lines : -1, v), colors[i % colors.length]])
    .filter(([, p]) => p?.ecdf[show.sample])
    .map(([v, p, color]) => ({ name: v ? `${data.axes[show.lines].name} ${v}` : show.sample, color, steps: true, points: p.ecdf[show.sample].map((q, i) => [q, i]) }));
  const all = lines.flatMap(l => l.points.map(p => p[0]));
  const log = all.length > 0 && Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) > 12;
  const rest = data.axes.map((a, i) => i === show.lines ? "" : `${a.name} ${held[i]}`).filter(Boolean).join(", ");
  const box = section.querySelector(".figure");
  box.replaceChildren(lines.length ? chart({ lines, width: box.clientWidth, title: `${show.sample}: share that took at most so long${rest ? ` (${rest})` : ""}`, x: { name: show.sample, unit, log, room: true }, y: { unit: "%", zero: true } }) : "No such sample here.");
}

// Theory: measured, with the least and the most, beside formulas.
function theories() {
  const section = document.getElementById("theory");
  section.hidden = !data.theories.length;
  if (section.hidden) return;
  const a = Math.max(index("loss"), 0), values = data.axes.length ? data.axes[a].values : [""];
  const box = section.querySelector(".figures");
  box.replaceChildren(...data.theories.map(t => {
    const line = name => values.map((v, i) => [i, along(data.axes.length ? a : -1, v)?.figures[name]]).filter(p => p[1]).map(([i, f]) => [i, ...f]);
    const lines = [{ name: t.of, color: colors[0], marks: true, points: line(t.of) }, ...t.says.map((n, i) => ({ name: n, color: colors[1 + i % 7], dashed: true, points: line(n).map(p => p.slice(0, 2)) }))].filter(l => l.points.length);
    const ys = lines.flatMap(l => l.points.flatMap(p => p.slice(1)));
    const log = Math.min(...ys) > 0 && Math.max(...ys) / Math.min(...ys) > 12;
    const rest = data.axes.map((x, i) => i === a ? "" : `${x.name} ${held[i]}`).filter(Boolean).join(", ");
    if (!lines.length) return el("p", { className: "hint", textContent: `Nothing was measured of ${t.of} here.` });
    return chart({ lines, width: box.clientWidth, title: `${t.of}${rest ? ` (${rest})` : ""}`, x: { name: data.axes[a]?.name ?? "", labels: values, kinds: data.axes[a]?.kinds }, y: { unit: t.unit, log, zero: true, room: true } });
  }));
}

function rows(head, body) {
  return el("table", {}, el("tr", {}, ...head.map(h => el("th", { textContent: h }))), ...body.map(r => el("tr", {}, ...r.map(c => el("td", { textContent: c })))));
}

// What does not change with the choices.
function fixed() {
  const some = data.broken.length > 0;
  document.querySelector("#table .scroll").append(rows(
    [...data.axes.map(a => a.name), ...data.columns.map(c => c.title), "seeds", ...(some ? ["broken"] : [])],
    data.points.map(p => [...p.at, ...p.values.map((v, i) => format(v, data.columns[i].unit)), p.seeds, ...(some ? [p.failed] : [])])));
  document.getElementById("broken").hidden = !some;
  for (const b of data.broken) {
    const [first, ...more] = b.error.trim().split("\n");
    document.querySelector("#broken .list").append(el("details", { className: "message" },
      el("summary", {}, el("b", { textContent: count(b.commands.length, "cell") }), `: ${first}`),
      ...(more.length ? [el("pre", { textContent: b.error })] : []),
      ...b.commands.map(c => el("p", {}, el("code", { textContent: c })))));
  }
  const advice = document.getElementById("advice");
  for (const t of data.advice) advice.append(el("h2", { textContent: t.title }), el("div", { className: "scroll" }, rows(t.head, t.rows)), el("p", { className: "hint", textContent: t.note ?? "" }));
  const list = document.querySelector("#slowest .list");
  const told = data.points.filter(p => p.slowest).sort((a, b) => b.slowest.latency - a.slowest.latency);
  document.getElementById("slowest").hidden = !told.length;
  for (const p of told) {
    const s = p.slowest, m = s.message, x = s.explanation;
    const d = el("details", { className: "message" }, el("summary", {}, el("b", { textContent: format(s.latency, "s") }), ` ${named(p)}: “${m.text.trim()}” from ${m.from} to ${m.to}`));
    d.append(el("p", {}, el("code", { textContent: s.command })));
    if (x?.parts?.length) {
      const bar = el("div", { className: "parts" }), legend = el("ul", { className: "legend" });
      x.parts.forEach((part, i) => {
        const seconds = part.took / 1e9, piece = el("span", { title: `${part.name}: ${format(seconds, "s")}` });
        piece.style.flexGrow = part.took; piece.style.background = colors[i % colors.length];
        bar.append(piece);
        const key = el("span"); key.style.borderColor = colors[i % colors.length];
        legend.append(el("li", {}, key, `${part.name} ${format(seconds, "s")}`));
      });
      d.append(bar, legend);
    }
    if (x?.lines?.length) d.append(el("pre", { textContent: x.lines.join("\n") }));
    list.append(d);
  }
}

function draw() {
  const form = document.getElementById("choices");
  form.replaceChildren(...data.axes.map((a, i) => select(`${a.name} `, a.values, held[i], v => held[i] = v)));
  heat(); ecdf(); theories();
  sign();
}

// What is wider than its box says so, until it is scrolled to its end.
const sizes = new ResizeObserver(entries => entries.forEach(e => signOf(e.target)));
function sign() {
  for (const box of document.querySelectorAll(".scroll")) {
    box.onscroll = () => signOf(box);
    sizes.observe(box);
    signOf(box);
  }
}
function signOf(box) {
  const hidden = box.scrollWidth - box.clientWidth;
  box.classList.toggle("cut", hidden > 1);
  box.classList.toggle("end", hidden - box.scrollLeft <= 1);
  if (hidden > 1) box.tabIndex = 0; else box.removeAttribute("tabindex");
}
let drawn = innerWidth;
addEventListener("resize", () => { if (innerWidth !== drawn) { drawn = innerWidth; draw(); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
fixed();
draw();
