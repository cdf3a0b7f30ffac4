// Where everything is, and the drawing of a frame.

const scroller = document.getElementById("scroll");
const overview = { y: 0, h: 34 };
const ruler = { y: 34, h: 26 };
let lanes = [];
let asked = 0; // the frame that is coming
let backdrop = null; // the overview's picture, and what it is of

const layerNames = ["", "Physical", "Data link", "Network", "Transport", "Session", "Presentation", "Application"];
const layerWords = ["", "the wire", "its queue", "IP packets", "TCP segments", "HTTP, Engine.IO", "frames, TLS", "Socket.IO"];

// plan makes the lanes of what is chosen.
function plan() {
  choose();
  const busy = (layer) => shown.layers[layer].index.length > 0 || shown.marks.some((m) => m.layer === layer);
  lanes = [];
  for (const layer of [7, 6, 5]) {
    const depth = busy(layer) ? Math.min(4, mostAtOnce(shown.layers[layer])) : 0;
    lanes.push({ ...messageLane(layer), least: depth ? 8 + rowHeight * depth : busy(layer) ? 36 : 28, grow: depth > 1 ? 1 : 0 });
  }
  lanes.push({ ...transportLane, least: 96, grow: 2 }, { ...networkLane, least: 46, grow: 0.4 });
  const wires = shownWires();
  for (const w of wires) lanes.push({ ...queueLane(w), least: w.queues[0].most + w.queues[1].most ? 42 : 28, grow: 0 });
  for (const w of wires) lanes.push({ ...wireLane(w), least: 84, grow: 1.4 });
  if (!wires.length) for (const layer of [2, 1]) lanes.push({ layer, least: 28, grow: 0, draw: (box) => nothing(box, "the wires were not recorded") });
  const c = conns[chosen.conn >= 0 ? chosen.conn : now.selected >= 0 ? messages[now.selected].conn : (shown.messages[0]?.conn ?? conns.findIndex((_, i) => shows(i)))];
  if (c) for (const s of stripsOf(c)) lanes.push({ ...s, least: 54, grow: 0.5 });
  backdrop = null;
  resize();
}

// mostAtOnce is how many messages of a layer there are at one time.
function mostAtOnce(spans) {
  const ends = [];
  let most = 0;
  for (let i = 0; i < spans.index.length && most < 4; i++) {
    const m = messages[spans.index[i]];
    let n = 1;
    for (const end of ends) if (end > m.sent) n++;
    ends.push(m.end);
    if (ends.length > 8) ends.shift();
    most = Math.max(most, n);
  }
  return Math.max(1, most);
}

// resize lays the lanes out in the room that there is.
function resize() {
  const width = scroller.clientWidth;
  const narrow = matchMedia("(max-width: 860px)").matches;
  const least = ruler.y + ruler.h + lanes.reduce((sum, l) => sum + l.least, 0) + 4;
  const height = Math.max(least, narrow ? 0 : scroller.clientHeight);
  area.narrow = width < 700;
  area.x = area.narrow ? 30 : 132;
  area.w = Math.max(40, width - area.x);
  area.height = height;
  const grow = lanes.reduce((sum, l) => sum + l.grow, 0);
  let y = ruler.y + ruler.h;
  for (const l of lanes) {
    l.box = { y, h: l.least + (grow ? ((height - least) * l.grow) / grow : 0) };
    y += l.box.h;
  }
  const ratio = Math.min(3, devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  area.ratio = ratio;
  backdrop = null;
  redraw();
}

function redraw() {
  asked ||= requestAnimationFrame(frame);
}

function frame() {
  asked = 0;
  const began = performance.now();
  ctx.setTransform(area.ratio, 0, 0, area.ratio, 0, 0);
  ctx.globalAlpha = 1;
  ctx.fillStyle = color.surface;
  ctx.fillRect(0, 0, area.x + area.w, area.height);
  targets = [];
  drawPartsBehind();
  drawPathBetween();
  for (const l of lanes) {
    l.draw(l.box);
    label(l);
  }
  drawRuler();
  drawOverview();
  drawPointer();
  sayWindow();
  canvas.dataset.drawn = (performance.now() - began).toFixed(1); // ms, for who measures
}

// label names a lane at its left.
function label(l) {
  const { y, h } = l.box;
  line(0, y + 0.5, area.x + area.w, y + 0.5, l.layer && lanes[lanes.indexOf(l) - 1]?.layer === l.layer ? color.line : color["line-strong"], 1);
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, y, area.x - 4, h);
  ctx.clip();
  if (l.strip) {
    if (area.narrow) {
      ctx.translate(15, y + h / 2);
      ctx.rotate(-Math.PI / 2);
      text(l.strip, 0, 0, { size: 9.5, align: "center" });
    } else {
      text(l.strip, 16, y + 14, { size: 12, fill: color.ink, weight: 550 });
      ctx.font = `400 11px ${color.sans}`;
      text(isolated(fitting(l.way, area.x - 26)), 16, y + 30, { fill: l.back ? color.back : color.forth });
    }
  } else {
    const ends = l.rails?.(l.box); // their names are above and below
    const middle = ends ? (ends[0] + ends[1]) / 2 - (area.narrow ? 0 : 7) : area.narrow || h < 40 ? y + h / 2 : y + 15;
    ctx.fillStyle = color["accent-soft"];
    ctx.beginPath();
    ctx.arc(area.narrow ? 15 : 21, middle, 9, 0, 7);
    ctx.fill();
    text(`${l.layer}`, area.narrow ? 15 : 21, middle + 0.5, { size: 11, fill: color.accent, align: "center", weight: 650 });
    if (!area.narrow) {
      text(layerNames[l.layer], 36, middle, { size: 12, fill: color.ink, weight: 550 });
      ctx.font = `400 11px ${color.sans}`;
      const more = l.wire ? l.wire.name : layerWords[l.layer];
      if (h >= 40 && !(ends && ends[1] - ends[0] < 56)) text(isolated(fitting(more, area.x - 44)), 36, middle + 16);
    }
  }
  ctx.restore();
}

// drawPartsBehind lays the parts of the selected message behind all lanes.
function drawPartsBehind() {
  if (now.selected < 0) return;
  const m = messages[now.selected];
  let t = m.sent;
  for (const [name, took] of m.parts) {
    const a = Math.max(area.x, onScreen(X(t))), b = onScreen(X((t += took)));
    if (b <= a) continue;
    ctx.globalAlpha = 0.1;
    ctx.fillStyle = color[slug(word(name))];
    ctx.fillRect(a, ruler.y + ruler.h, b - a, area.height);
    ctx.globalAlpha = 1;
  }
}

// drawPathBetween leads from the selected message down to its segments.
function drawPathBetween() {
  if (now.selected < 0) return;
  const m = messages[now.selected];
  const bottom = lanes.filter((l) => l.layer).at(-1).box;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.x, ruler.y + ruler.h, area.w, area.height);
  ctx.clip();
  for (const t of [m.sent, m.end]) line(X(t), ruler.y + ruler.h, X(t), bottom.y + bottom.h, color.accent, 1, [2, 3]);
  ctx.restore();
}

const steps = [1, 2, 5];
function drawRuler() {
  ctx.fillStyle = color.surface;
  ctx.fillRect(0, ruler.y, area.x + area.w, ruler.h);
  const want = (view.to - view.from) / Math.max(2, area.w / 96);
  const power = 10 ** Math.floor(Math.log10(want));
  const step = steps.map((s) => s * power).find((s) => s >= want) || power * 10;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.x, 0, area.w, area.height);
  ctx.clip();
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
    const x = Math.round(X(t)) + 0.5;
    line(x, ruler.y + ruler.h - 5, x, ruler.y + ruler.h, color["line-strong"]);
    const label = moment(t, step);
    ctx.font = `400 11px ${color.sans}`;
    const wide = ctx.measureText(label).width; // none of it beyond the edges
    text(label, inside(x - wide / 2, wide), ruler.y + 11, { size: 11 });
  }
  if (now.selected >= 0) {
    const m = messages[now.selected];
    let t = m.sent;
    for (const [name, took] of m.parts) {
      const a = onScreen(X(t)), b = onScreen(X((t += took)));
      ctx.fillStyle = parts[word(name)];
      ctx.fillRect(a, ruler.y + ruler.h - 5, Math.max(1, b - a), 5);
    }
  }
  ctx.restore();
}

// drawOverview has the whole recording, and which of it is shown.
function drawOverview() {
  if (!backdrop) backdrop = paintOverview();
  ctx.drawImage(backdrop, 0, 0, area.x + area.w, overview.h);
  const place = (t) => area.x + ((t - whole.from) / (whole.to - whole.from)) * area.w;
  const a = place(view.from), b = Math.max(place(view.to), a + 3);
  ctx.fillStyle = color.paper;
  ctx.globalAlpha = 0.72;
  ctx.fillRect(area.x, 0, a - area.x, overview.h);
  ctx.fillRect(b, 0, area.x + area.w - b, overview.h);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = color.accent;
  ctx.lineWidth = 1.5;
  ctx.strokeRect(a + 0.75, 0.75, Math.max(2, b - a - 1.5), overview.h - 1.5);
  line(0, overview.h + 0.5, area.x + area.w, overview.h + 0.5, color.line);
}

function paintOverview() {
  const picture = document.createElement("canvas");
  picture.width = Math.round((area.x + area.w) * area.ratio);
  picture.height = Math.round(overview.h * area.ratio);
  const p = picture.getContext("2d");
  p.scale(area.ratio, area.ratio);
  p.fillStyle = color.paper;
  p.fillRect(0, 0, area.x + area.w, overview.h);
  const columns = Math.ceil(area.w);
  const left = new Float64Array(columns);
  const at = (t) => Math.floor(((t - whole.from) / (whole.to - whole.from)) * area.w);
  let most = 1;
  for (const i of shown.packets.index) most = Math.max(most, ++left[at(packets.at[i])]);
  p.fillStyle = color.faint;
  left.forEach((n, c) => n && p.fillRect(area.x + c, overview.h - 2 - (Math.log1p(n) / Math.log1p(most)) * (overview.h - 12), 1, overview.h));
  p.fillStyle = color.again;
  for (const i of shown.rare.index) if (packets.lost[i]) p.fillRect(area.x + at(packets.at[i]), 3, 1.5, 6);
  if (!area.narrow) {
    p.font = `400 11px ${color.sans}`;
    p.fillStyle = color.quiet;
    p.textBaseline = "middle";
    p.fillText("whole recording", 16, overview.h / 2);
  }
  return picture;
}

function drawPointer() {
  const t = now.pointed?.time;
  if (t === undefined) return;
  const x = Math.round(X(t)) + 0.5;
  line(x, ruler.y + ruler.h, x, area.height, color["line-strong"], 1);
  const label = moment(t, (view.to - view.from) / area.w);
  ctx.font = `600 11px ${color.sans}`;
  const w = ctx.measureText(label).width + 10;
  const left = Math.min(Math.max(x - w / 2, area.x), area.x + area.w - w);
  ctx.fillStyle = color.ink;
  ctx.beginPath();
  ctx.roundRect(left, ruler.y + 3, w, 17, 4);
  ctx.fill();
  text(label, left + 5, ruler.y + 12, { fill: color.surface, weight: 600 });
}

const said = { window: "" };
function sayWindow() {
  const step = (view.to - view.from) / 1000;
  const s = `${moment(Math.max(0, view.from), step)} to ${moment(Math.min(story.length, view.to), step)} (${duration(view.to - view.from)})`;
  const shown = document.getElementById("window");
  if (s !== said.window) shown.textContent = said.window = s;
  [shown.dataset.from, shown.dataset.to] = [view.from, view.to]; // ns, for who measures
}
