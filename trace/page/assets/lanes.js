// Layers 7 to 3.

const now = { selected: -1, cursor: -1, pointed: null, path: null }; // pointed: what the pointer is over
const crowd = { messages: 400, packets: 4000 }; // more in the window are drawn as a crowd
let targets = []; // messages where they were drawn
const rowHeight = 25;

// dim is how what is not on the selected path is drawn.
const dim = 0.16;
const lit = (set, i) => !now.path || set.has(i);

// arrange gives each message of a layer a row in which it has room.
function arrange(spans, rows) {
  const free = new Float64Array(rows).fill(-Infinity);
  const row = new Uint8Array(spans.index.length);
  const gap = (view.to - view.from) / Math.max(1, area.w) * 60; // room for a few letters
  for (let i = 0; i < spans.index.length; i++) {
    const m = messages[spans.index[i]];
    let best = 0;
    for (let r = 0; r < rows; r++) {
      if (free[r] <= m.sent) { best = r; break; }
      if (free[r] < free[best]) best = r;
    }
    row[i] = best;
    free[best] = Math.max(m.end, m.sent + gap);
  }
  return row;
}

function messageLane(layer) {
  return {
    layer,
    draw(box) {
      const spans = shown.layers[layer];
      const [from, to] = spans.between(view.from, view.to);
      within(box, () => {
        if (to - from > crowd.messages || crowdedRows(box, spans, from, to)) drawSkyline(box, spans, from, to);
        else drawMessages(box, spans, from, to);
        drawMarks(box, layer);
      });
      if (spans.index.length === 0 && !shown.marks.some((m) => m.layer === layer)) nothing(box, "nothing recorded here");
    },
  };
}

function nothing(box, why) {
  text(why, area.x + 10, box.y + box.h / 2, { fill: color.faint });
}

const rowsIn = (box) => Math.max(1, Math.floor((box.h - 6) / rowHeight));

// crowdedRows says whether there are more messages at a time than rows.
function crowdedRows(box, spans, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const m = messages[spans.index[i]];
    sum += Math.min(m.end, view.to) - Math.max(m.sent, view.from);
  }
  return sum > 2 * rowsIn(box) * (view.to - view.from);
}

function drawMessages(box, spans, from, to) {
  const rows = rowsIn(box);
  // Rows are given by all that is near, so that panning does not shuffle them.
  const near = new Spans(spans.index.subarray(Math.max(0, from - 200), to + 200), (i) => messages[i].sent, (i) => messages[i].end);
  const row = arrange(near, rows);
  const right = new Float64Array(rows).fill(-Infinity); // how far the row above is written on
  const first = Math.min(from, 200);
  const next = new Map(); // where the next of the same row begins
  for (let i = near.index.length - 1; i >= 0; i--) {
    near.next ||= new Float64Array(near.index.length);
    near.next[i] = next.get(row[i]) ?? Infinity;
    next.set(row[i], X(messages[near.index[i]].sent));
  }
  const order = Array.from({ length: to - from }, (_, i) => first + i);
  const onPath = (i) => Number(Boolean(now.path?.messages.has(near.index[i])));
  if (now.path) order.sort((a, b) => onPath(a) - onPath(b)); // above the others
  for (const i of order) {
    const m = messages[near.index[i]];
    const x0 = X(m.sent), x1 = Math.max(X(m.end), x0 + 2);
    const y = box.y + 4 + row[i] * rowHeight;
    ctx.globalAlpha = lit(now.path?.messages, m.index) ? 1 : dim;
    drawBar(m, x0, x1, y + 15, 6);
    ctx.font = `500 11px ${color.sans}`;
    const start = Math.max(x0, area.x + 4, right[row[i]] + 6);
    // The selected one is named over what is behind it in its row.
    const room = (now.path ? area.x + area.w : Math.min(near.next[i], area.x + area.w)) - start - 8;
    if (room > 44 && lit(now.path?.messages, m.index)) {
      text(m.back ? "←" : "→", start, y + 8, { fill: m.back ? color.back : color.forth, weight: 700 });
      ctx.font = `500 11px ${color.sans}`;
      const label = fitting(word(m.name), room - 15);
      text(isolated(label), start + 15, y + 8, { fill: color.ink, weight: 500 });
      right[row[i]] = start + 15 + ctx.measureText(label).width;
    }
    ctx.globalAlpha = 1;
    // A name that is longer than its bar is in the frame of the one that is selected.
    const named = m.index === now.selected ? right[row[i]] : x1;
    outline(m, x0 - 3, y - 1, Math.max(x1 - x0 + 6, named - x0 + 7, 8), rowHeight);
    targets.push({ message: m.index, x0: x0 - 4, x1: Math.max(x1, Math.min(right[row[i]], near.next[i] - 2)) + 4, y0: y, y1: y + rowHeight - 1 });
  }
}

// drawBar draws a message in the colours of where its time went.
function drawBar(m, x0, x1, y, h) {
  if (!m.parts.length) {
    ctx.fillStyle = m.latency >= 0 ? color.faint : color.surface;
    ctx.strokeStyle = color.again;
    ctx.lineWidth = 1.5;
    if (m.latency >= 0) ctx.fillRect(onScreen(x0), y, onScreen(x1) - onScreen(x0), h);
    else cross(x0 + 3, y + h / 2, 3);
    return;
  }
  let t = m.sent;
  for (const [name, took] of m.parts) {
    const a = onScreen(X(t)), b = onScreen(X(t += took));
    ctx.fillStyle = parts[word(name)];
    ctx.fillRect(a, y, Math.max(b - a, m.parts.length === 1 ? 2 : 0.5), h);
  }
}

function outline(m, x, y, w, h) {
  if (m.index !== now.selected && m.index !== now.cursor) return;
  ctx.strokeStyle = m.index === now.selected ? color.accent : color.ink;
  ctx.lineWidth = m.index === now.selected ? 2 : 1.5;
  ctx.setLineDash(m.index === now.selected ? [] : [3, 2]);
  ctx.beginPath();
  ctx.roundRect(onScreen(x), y, onScreen(x + w) - onScreen(x), h, 4);
  ctx.stroke();
  ctx.setLineDash([]);
}

// drawSkyline draws of each pixel the slowest message that was sent there: as
// high as the root of what it took, in the colour of what took longest.
function drawSkyline(box, spans, from, to) {
  const columns = Math.ceil(area.w / 2);
  const tallest = new Int32Array(columns).fill(-1);
  let most = 1;
  for (let i = from; i < to; i++) {
    const m = messages[spans.index[i]];
    const c = Math.floor((X(m.sent) - area.x) / 2);
    if (c < 0 || c >= columns) continue;
    if (tallest[c] < 0 || messages[tallest[c]].latency < m.latency) tallest[c] = m.index;
    most = Math.max(most, m.latency);
  }
  const floor = box.y + box.h - 3, room = box.h - 18;
  for (let c = 0; c < columns; c++) {
    if (tallest[c] < 0) continue;
    const m = messages[tallest[c]];
    const h = Math.max(2, Math.sqrt(Math.max(0, m.latency) / most) * room);
    ctx.globalAlpha = lit(now.path?.messages, m.index) ? 1 : dim;
    const longest = m.parts.reduce((a, b) => (b[1] > a[1] ? b : a), m.parts[0] || [0, 0]);
    ctx.fillStyle = longest[0] ? color[slug(word(longest[0]))] : color.faint;
    ctx.fillRect(area.x + c * 2, floor - h, 2, h);
    targets.push({ message: m.index, x0: area.x + c * 2 - 1, x1: area.x + c * 2 + 2, y0: box.y, y1: box.y + box.h });
  }
  ctx.globalAlpha = 1;
  note(box, `the slowest of ${count(to - from, "message")}, up to ${duration(most)}`);
  if (now.path || now.cursor >= 0) drawOver(box, spans);
}

// drawOver draws the messages that are looked at over the skyline.
function drawOver(box, spans) {
  let y = box.y + 18;
  for (const i of new Set([...(now.path?.messages ?? []), now.cursor])) {
    const m = messages[i];
    if (!m || m.layer !== spans.layer || y > box.y + box.h - rowHeight) continue;
    const x0 = X(m.sent), x1 = Math.max(X(m.end), x0 + 2), left = Math.max(x0, area.x + 4);
    ctx.font = `500 11px ${color.sans}`;
    const label = fitting(word(m.name), Math.min(260, area.x + area.w - left - 22)), wide = ctx.measureText(label).width;
    ctx.fillStyle = color.surface;
    ctx.fillRect(left - 2, y + 1, wide + 24, 14);
    text(m.back ? "←" : "→", left, y + 8, { fill: m.back ? color.back : color.forth, weight: 700 });
    text(isolated(label), left + 15, y + 8, { fill: color.ink, weight: 500 });
    drawBar(m, x0, x1, y + 15, 6);
    outline(m, x0 - 3, y - 1, Math.max(x1 - x0 + 6, left + 22 + wide - x0, 8), rowHeight);
    y += rowHeight + 2;
  }
}

// note says something of a lane in its upper corner, or its lower one.
function note(box, s, low = false) {
  const y = low ? box.y + box.h - 19 : box.y + 2;
  ctx.font = `400 11px ${color.sans}`;
  const w = ctx.measureText(s).width;
  ctx.globalAlpha = 0.86;
  ctx.fillStyle = color.surface;
  ctx.fillRect(area.x + area.w - w - 14, y, w + 12, 15);
  ctx.globalAlpha = 1;
  text(s, area.x + area.w - 8, y + 8, { align: "right" });
}

function drawMarks(box, layer) {
  const some = shown.marks.filter((m) => m.layer === layer && m.at >= view.from && m.at <= view.to);
  ctx.globalAlpha = now.path ? 0.4 : 1;
  some.forEach((m, i) => {
    const x = X(m.at), y = box.y + box.h - 8;
    ctx.fillStyle = color.quiet;
    ctx.beginPath();
    ctx.moveTo(x, y - 4);
    ctx.lineTo(x + 4, y);
    ctx.lineTo(x, y + 4);
    ctx.lineTo(x - 4, y);
    ctx.fill();
    const room = Math.min(240, (i + 1 < some.length ? X(some[i + 1].at) : area.x + area.w) - x - 16);
    if (room < 40) return;
    ctx.font = `400 10.5px ${color.sans}`;
    text(isolated(fitting(`${word(m.text)}${m.host >= 0 ? ", " + hostName(m.host) : ""}`, room)), x + 8, y, { size: 10.5 });
  });
  ctx.globalAlpha = 1;
}

// Layer 4: the way of a segment from one end down to the other, or up.
const transportLane = {
  layer: 4,
  rails: (box) => [box.y + 17, box.y + box.h - (shown.marks.some((m) => m.layer === 4) ? 32 : 17)],
  draw(box) {
    const [top, bottom] = this.rails(box);
    rails(box, top, bottom, endNames());
    const [from, to] = shown.packets.between(view.from, view.to);
    within(box, () => {
      const tcp = (i) => packets.layer[i] === 4 && packets.conn[i] >= 0;
      if (to - from > crowd.packets) {
        drawCrowd(box, top, bottom, from, to, tcp);
        if (!now.path) drawRare(top, bottom, tcp);
      } else {
        const some = shown.packets.index.subarray(from, to);
        if (now.path) {
          ctx.globalAlpha = dim;
          drawLines(top, bottom, some, (i) => tcp(i) && !now.path.packets.has(i), false);
          ctx.globalAlpha = 1;
        } else drawLines(top, bottom, some, tcp, true);
      }
      if (now.path) drawLines(top, bottom, now.path.packets, tcp, true, 2.4);
      drawMarks({ y: box.y + 2, h: box.h }, 4);
    });
    if (shown.packets.index.length === 0) nothing(box, "no segments recorded");
  },
};

function* each(spans) {
  const [from, to] = spans.between(view.from, view.to);
  for (let i = from; i < to; i++) yield spans.index[i];
}

function endNames() {
  const c = conns[chosen.conn];
  return c ? c.hosts.map(hostName) : ["who opened", "the other"];
}

function rails(box, top, bottom, names) {
  for (const [y, name, up] of [[top, names[0], true], [bottom, names[1], false]]) {
    line(area.x, y + 0.5, area.x + area.w, y + 0.5, color.line);
    if (area.narrow) continue;
    ctx.font = `400 11px ${color.sans}`;
    text(isolated(fitting(name, 74)), area.x - 8, y, { align: "right", fill: up ? color.forth : color.back });
  }
}

function drawLines(top, bottom, some, filter, labels, wider = 0) {
  const kinds = {
    forth: new Batch(color.forth, 1.4 + wider / 2), back: new Batch(color.back, 1.4 + wider / 2),
    forthAck: new Batch(color.forth, 0.8 + wider / 2, [], 0.55), backAck: new Batch(color.back, 0.8 + wider / 2, [], 0.55),
    again: new Batch(color.again, 2 + wider / 2, [5, 3]),
  };
  const crosses = [], named = [];
  for (const i of some) {
    if (!filter(i) || packets.end[i] < view.from || packets.at[i] > view.to) continue;
    const back = packets.back[i];
    const [y0, y1] = back ? [bottom, top] : [top, bottom];
    const x0 = X(packets.at[i]);
    const kind = packets.again[i] ? "again" : (back ? "back" : "forth") + (packets.len[i] ? "" : "Ack");
    if (packets.took[i] >= 0) kinds[kind].line(x0, y0, X(packets.end[i]), y1);
    else if (packets.lost[i]) {
      const y = y0 + (y1 - y0) * 0.5;
      kinds[kind].line(x0, y0, X(packets.end[i]), y);
      crosses.push([X(packets.end[i]), y]);
    } else if (packets.cutOff[i] && packets.end[i] > packets.at[i]) kinds[kind].line(x0, y0, X(packets.end[i]), y0 + (y1 - y0) * 0.5);
    else kinds[kind].line(x0, y0, x0, y0 + (back ? -6 : 6)); // no more is told
    named.push(i);
  }
  for (const b of Object.values(kinds)) b.draw();
  let last = [-9, -9];
  for (const [x, y] of crosses) {
    if (Math.abs(x - last[0]) < 1 && y === last[1]) continue;
    cross(x, y, wider ? 5 : 3.6);
    last = [x, y];
  }
  if (labels && named.length <= 240) nameLines(top, bottom, named);
}

// nameLines writes what the segments are where they leave.
function nameLines(top, bottom, some) {
  const right = [-Infinity, -Infinity];
  ctx.font = `400 10px ${color.mono}`;
  for (const i of some) {
    const back = packets.back[i], at = X(packets.at[i]);
    if (at < right[back] || at < area.x - 40) continue;
    const label = segmentName(i), width = ctx.measureText(label).width;
    const x = inside(at + 1, width); // whole, where there is room for all of it
    if (x < right[back]) continue;
    text(label, x, back ? bottom + 9 : top - 9, {
      size: 10, mono: true, fill: packets.again[i] || packets.lost[i] ? color.again : back ? color.back : color.forth,
    });
    right[back] = x + width + 8;
  }
}

function segmentName(i) {
  const flags = word(packets.text[i]);
  if (packets.len[i] && packets.from[i] >= 0) {
    const range = `${packets.from[i]}–${packets.from[i] + packets.len[i]}`;
    return packets.again[i] ? `${range} again: ${word(packets.again[i])}` : range;
  }
  if (flags === "ACK" && packets.ack[i] >= 0) return `ACK ${packets.ack[i]}`;
  return packets.again[i] ? `${flags} again: ${word(packets.again[i])}` : flags;
}

// drawCrowd draws how many segments left in each pixel.
function drawCrowd(box, top, bottom, from, to, filter) {
  const columns = Math.ceil(area.w);
  const left = [new Int32Array(columns), new Int32Array(columns)];
  let most = 1;
  for (let i = from; i < to; i++) {
    const p = shown.packets.index[i];
    const c = Math.floor(X(packets.at[p]) - area.x);
    if (c < 0 || c >= columns || !filter(p)) continue;
    most = Math.max(most, ++left[packets.back[p]][c]);
  }
  const room = (bottom - top) / 2 - 1;
  ctx.globalAlpha = now.path ? dim * 2 : 0.8;
  for (const back of [0, 1]) {
    ctx.fillStyle = back ? color.back : color.forth;
    for (let c = 0; c < columns; c++) {
      const h = (left[back][c] / most) * room;
      if (h) ctx.fillRect(area.x + c, back ? bottom - h : top, 1, h);
    }
  }
  ctx.globalAlpha = 1;
  note(box, `${count(to - from, "segment")}: zoom in to see each`, true);
}

// drawRare draws of a crowd what was lost or sent again, as far as there is room
// for it.
function drawRare(top, bottom, filter) {
  let tick = [-9, -9], crossed = [-9, -9];
  const middle = (top + bottom) / 2;
  const losses = [];
  for (const i of each(shown.rare)) {
    if (!filter(i)) continue;
    const back = packets.back[i], x = X(packets.at[i]);
    if (packets.again[i] && x - tick[back] >= 1) {
      ctx.fillStyle = color.again;
      ctx.fillRect(x, back ? bottom - 9 : top, 1.2, 9);
      tick[back] = x;
    }
    if (packets.lost[i] && x - crossed[back] >= 7) {
      losses.push([x, back ? middle + 7 : middle - 7]);
      crossed[back] = x;
    }
  }
  for (const [x, y] of losses) cross(x, y, 2.6);
}

// Layer 3: how large each packet is, those of who opened the connection up,
// those of the other down.
const networkLane = {
  layer: 3,
  draw(box) {
    const [from, to] = shown.packets.between(view.from, view.to);
    const zero = Math.round(box.y + box.h / 2) + 0.5, room = box.h / 2 - 5;
    within(box, () => {
      line(area.x, zero, area.x + area.w, zero, color.line);
      const columns = Math.ceil(area.w);
      const bytes = [new Float64Array(columns), new Float64Array(columns)];
      const path = [new Float64Array(columns), new Float64Array(columns)];
      const crowded = to - from > area.w / 3;
      let most = 1;
      for (let i = from; i < to; i++) {
        const p = shown.packets.index[i];
        const c = Math.floor(X(packets.at[p]) - area.x);
        if (c < 0 || c >= columns) continue;
        const back = packets.back[p];
        bytes[back][c] = crowded ? bytes[back][c] + packets.size[p] : Math.max(bytes[back][c], packets.size[p]);
        if (now.path?.packets.has(p)) path[back][c] += packets.size[p];
        most = Math.max(most, bytes[back][c]);
      }
      if (!crowded) most = Math.max(most, 1500);
      const width = crowded ? 1 : 2;
      for (const [some, alpha] of [[bytes, now.path ? dim * 1.6 : 0.85], [path, 1]]) {
        ctx.globalAlpha = alpha;
        for (const back of [0, 1]) {
          ctx.fillStyle = back ? color.back : color.forth;
          for (let c = 0; c < columns; c++) {
            if (!some[back][c]) continue;
            const h = Math.max(2, Math.min(1, some[back][c] / most) * room);
            ctx.fillRect(area.x + c - (width - 1) / 2, back ? zero : zero - h, width, h);
          }
        }
      }
      ctx.globalAlpha = 1;
      if (to > from) {
        const perPixel = (view.to - view.from) / area.w / 1e9;
        note(box, crowded ? `up to ${rate((most * 8) / perPixel)}` : `full height: ${most.toLocaleString("en")} bytes`);
      }
      drawMarks(box, 3);
    });
  },
};
