// Layers 2 and 1: the queues before the wires, and the wires.

const shownWires = () => shown.wires.slice(0, mostWires);
const mostWires = 8;

// A lane for each wire, of layer 2: how many packets wait.
function queueLane(wire) {
  return {
    layer: 2, wire,
    draw(box) {
      const most = Math.max(wire.queues[0].most, wire.queues[1].most);
      // Both ways have half of the lane, or one of them all.
      const both = wire.queues[0].most && wire.queues[1].most;
      const zero = Math.round(both || !most ? box.y + box.h / 2 : wire.queues[0].most ? box.y + box.h - 3 : box.y + 3) + 0.5;
      const room = both ? box.h / 2 - 3 : box.h - 6;
      within(box, () => {
        if (most) line(area.x, zero, area.x + area.w, zero, color.line);
        for (const back of [0, 1]) {
          const q = wire.queues[back];
          if (!q.most) continue;
          ctx.globalAlpha = now.path ? 0.45 : 1;
          fillSteps(q, zero, (depth) => (back ? 1 : -1) * (depth / most) * room);
          ctx.globalAlpha = 1;
        }
        if (now.path) litWaits(wire, zero, room);
        neighbours(box, wire);
      });
      if (most) note(box, `up to ${count(most, "packet")} waiting`);
      else nothing(box, "no packet waited for this wire");
    },
  };
}

function fillSteps(q, zero, height) {
  const columns = Math.ceil(area.w);
  const deepest = new Int32Array(columns);
  const last = firstAbove(q.at, view.to, false);
  for (let i = Math.max(0, firstAbove(q.at, view.from, false) - 1); i < last; i++) {
    if (!q.depth[i]) continue;
    const from = Math.max(0, Math.floor(X(q.at[i]) - area.x));
    const to = Math.min(columns - 1, Math.floor(X(q.at[i + 1]) - area.x));
    for (let c = from; c <= to; c++) deepest[c] = Math.max(deepest[c], q.depth[i]);
  }
  ctx.fillStyle = color.queue;
  for (let c = 0; c < columns; c++) if (deepest[c]) ctx.fillRect(area.x + c, zero, 1, height(deepest[c]));
}

// litWaits marks when the packets of the selected message waited.
function litWaits(wire, zero, room) {
  for (const p of now.path.packets) {
    for (const h of hopsOf[p]) {
      const way = wire.ways.indexOf(hops.wire[h]);
      if (way < 0 || !hops.queued[h]) continue;
      const a = X(hops.sent[h]), b = X(hops.sent[h] + hops.queued[h]);
      ctx.fillStyle = color.queue;
      ctx.fillRect(onScreen(a), way ? zero + room - 5 : zero - room, Math.max(2, onScreen(b) - onScreen(a)), 5);
      ctx.strokeStyle = color.ink;
      ctx.lineWidth = 1;
      ctx.strokeRect(onScreen(a), way ? zero + room - 5 : zero - room, Math.max(2, onScreen(b) - onScreen(a)), 5);
    }
  }
}

// neighbours are ARP and neighbour discovery.
function neighbours(box, wire) {
  let right = -Infinity;
  const [from, to] = wire.hops.between(view.from, view.to);
  if (to - from > crowd.packets) return;
  for (let i = from; i < to; i++) {
    const h = wire.hops.index[i], p = hops.packet[h];
    if (packets.layer[p] !== 2) continue;
    const x = X(hops.sent[h]), y = box.y + box.h - 8;
    ctx.fillStyle = color.other;
    ctx.fillRect(x - 3, y - 3, 6, 6);
    if (x < right) continue;
    const label = word(packets.text[p]);
    text(label, x + 7, y, { size: 10.5, fill: color.other });
    right = x + 16 + ctx.measureText(label).width;
  }
}

// A lane for each wire, of layer 1: a packet is as wide as its bits take to be
// sent, and leans as far as they take to get there.
function wireLane(wire) {
  return {
    layer: 1, wire,
    rails: (box) => [box.y + 12, box.y + box.h - 12],
    draw(box) {
      const [top, bottom] = this.rails(box);
      rails(box, top, bottom, wire.ends);
      const [from, to] = wire.hops.between(view.from, view.to);
      within(box, () => {
        const some = wire.hops.index.subarray(from, to);
        if (some.length > crowd.packets) {
          crowdOnWire(box, wire, some, top, bottom);
        } else {
          const few = some.length <= 160;
          if (now.path) ctx.globalAlpha = dim;
          drawHops(wire, some, (h) => !now.path?.packets.has(hops.packet[h]), top, bottom, few && !now.path);
          ctx.globalAlpha = 1;
        }
        if (now.path) {
          const ours = [...now.path.packets].flatMap((p) => hopsOf[p]);
          drawHops(wire, ours, () => true, top, bottom, true);
        }
      });
    },
  };
}

function drawHops(wire, some, filter, top, bottom, bars) {
  const bands = [new Path2D(), new Path2D(), new Path2D()]; // forth, back, of other connections
  const edges = bands.map(() => new Path2D());
  const crosses = [], split = [];
  for (const h of some) {
    if (!filter(h)) continue;
    const way = wire.ways.indexOf(hops.wire[h]);
    if (way < 0) continue;
    const p = hops.packet[h];
    const style = shows(packets.conn[p]) ? packets.back[p] : 2;
    const [y0, y1] = way ? [bottom, top] : [top, bottom];
    const a = onScreen(X(hops.sent[h] + hops.queued[h])), b = onScreen(X(hops.sent[h] + hops.queued[h] + hops.serialized[h]));
    const d = (hops.delayed[h] / (view.to - view.from)) * area.w;
    const lost = hops.dropped[h] !== 0;
    const share = lost && !hops.delayed[h] ? 0.5 : 1;
    const y = y0 + (y1 - y0) * share;
    if (b - a > 0.7) {
      bands[style].moveTo(a, y0);
      bands[style].lineTo(b, y0);
      bands[style].lineTo(b + d, y);
      bands[style].lineTo(a + d, y);
      bands[style].closePath();
    }
    edges[style].moveTo(a, y0);
    edges[style].lineTo(a + d, y);
    if (b - a > 0.7) {
      edges[style].moveTo(b, y0);
      edges[style].lineTo(b + d, y);
    }
    if (lost && !cutOff(h)) crosses.push([b + d, share < 1 ? y : y0 + (y1 - y0) * 0.9]);
    if (bars) split.push([h, way]);
  }
  const strokes = [color.forth, color.back, color.faint];
  for (const i of [2, 0, 1]) {
    const alpha = ctx.globalAlpha;
    ctx.globalAlpha = alpha * 0.22;
    ctx.fillStyle = strokes[i];
    ctx.fill(bands[i]);
    ctx.globalAlpha = alpha;
    ctx.strokeStyle = strokes[i];
    ctx.lineWidth = 1;
    ctx.stroke(edges[i]);
  }
  for (const [h, way] of split) splitBar(h, way ? bottom + 3 : top - 9);
  let last = -9;
  for (const [x, y] of crosses) {
    if (Math.abs(x - last) >= 1) cross(x, y, 4);
    last = x;
  }
}

// splitBar is a packet's time on a wire: queue, serialization, propagation.
function splitBar(h, y) {
  let t = hops.sent[h];
  for (const [name, took] of [["queue", hops.queued[h]], ["serialization", hops.serialized[h]], ["propagation", hops.delayed[h]]]) {
    const a = onScreen(X(t)), b = onScreen(X((t += took)));
    if (!took) continue;
    ctx.fillStyle = parts[name];
    ctx.fillRect(a, y, Math.max(0.75, b - a), 6);
  }
}

function crowdOnWire(box, wire, some, top, bottom) {
  const columns = Math.ceil(area.w);
  const busy = [new Float64Array(columns), new Float64Array(columns)];
  const packetsIn = [new Int32Array(columns), new Int32Array(columns)];
  const drops = [];
  const pixel = (view.to - view.from) / area.w;
  for (const h of some) {
    const way = wire.ways.indexOf(hops.wire[h]);
    const c = Math.floor(X(hops.sent[h] + hops.queued[h]) - area.x);
    if (hops.dropped[h] && !cutOff(h)) drops.push([X(hopEnd(h)), way]);
    if (c < 0 || c >= columns) continue;
    busy[way][c] += hops.serialized[h];
    packetsIn[way][c]++;
  }
  // How much of the time bits are being sent; of a wire without a rate, how many packets are.
  const rated = busy.some((b) => b.some((v) => v > 0));
  const value = rated ? busy : packetsIn;
  const most = rated ? pixel : Math.max(1, ...value.map((v) => v.reduce((a, b) => Math.max(a, b), 0)));
  const room = (bottom - top) / 2 - 1;
  ctx.globalAlpha = now.path ? dim * 2 : 0.7;
  for (const back of [0, 1]) {
    ctx.fillStyle = back ? color.back : color.forth;
    for (let c = 0; c < columns; c++) {
      const h = Math.min(1, value[back][c] / most) * room;
      if (h) ctx.fillRect(area.x + c, back ? bottom - h : top, 1, h);
    }
  }
  ctx.globalAlpha = now.path ? 0.4 : 1;
  let last = [-9, -9];
  for (const [x, way] of drops) {
    if (x - last[way] < 7) continue;
    cross(x, (top + bottom) / 2 + (way ? 6 : -6), 2.6);
    last[way] = x;
  }
  ctx.globalAlpha = 1;
  note(box, `${count(some.length, "packet")}${rated ? ", full height: never idle" : ""}`, true);
}
