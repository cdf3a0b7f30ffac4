// What the lanes draw with.

const canvas = document.getElementById("chart");
const ctx = canvas.getContext("2d", { alpha: false });

// area is where time is drawn: from x pixels for w pixels.
const area = { x: 0, w: 1, height: 1 };
const X = (t) => area.x + ((t - view.from) / (view.to - view.from)) * area.w;
const T = (x) => view.from + ((x - area.x) / area.w) * (view.to - view.from);

// onScreen keeps a coordinate near the window: what is far outside of a canvas
// is drawn badly.
const onScreen = (x) => Math.min(Math.max(x, area.x - 4000), area.x + area.w + 4000);

function text(s, x, y, { size = 11, fill = color.quiet, align = "left", weight = 400, mono = false } = {}) {
  ctx.font = `${weight} ${size}px ${mono ? color.mono : color.sans}`;
  ctx.fillStyle = fill;
  ctx.textAlign = align;
  ctx.textBaseline = "middle";
  ctx.fillText(s, x, y);
}

// fitting is as much of a text as there is room for. What peers have said may
// want to be written from right to left: it is kept apart from what is around.
function fitting(s, room) {
  if (room < 14) return "";
  s = s.length > 200 ? s.slice(0, 200) : s;
  s = s.replace(/\s+/g, " ");
  if (ctx.measureText(s).width <= room) return s;
  let low = 0, high = s.length;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if (ctx.measureText(s.slice(0, mid) + "…").width <= room) low = mid;
    else high = mid - 1;
  }
  return low > 0 ? s.slice(0, low) + "…" : "";
}
// inside moves what is so wide and begins at x between the edges of the lanes.
const inside = (x, width) => Math.max(area.x + 2, Math.min(x, area.x + area.w - width - 2));
const isolated = (s) => `\u2068${s}\u2069`;

function line(x0, y0, x1, y1, stroke, width = 1, dash = []) {
  ctx.strokeStyle = stroke;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
  ctx.setLineDash([]);
}

function cross(x, y, r, stroke = color.again) {
  for (const [width, style] of [[5, color.surface], [2.2, stroke]]) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.lineCap = "round";
    ctx.beginPath();
    ctx.moveTo(x - r, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.moveTo(x + r, y - r);
    ctx.lineTo(x - r, y + r);
    ctx.stroke();
  }
  ctx.lineCap = "butt";
}

// batch draws many lines of one style at once.
class Batch {
  constructor(stroke, width, dash = [], alpha = 1) {
    Object.assign(this, { stroke, width, dash, alpha, path: new Path2D(), any: false });
  }
  line(x0, y0, x1, y1) {
    this.any = true;
    this.path.moveTo(x0, y0);
    this.path.lineTo(x1, y1);
  }
  draw() {
    if (!this.any) return;
    ctx.globalAlpha *= this.alpha;
    ctx.strokeStyle = this.stroke;
    ctx.lineWidth = this.width;
    ctx.setLineDash(this.dash);
    ctx.stroke(this.path);
    ctx.setLineDash([]);
    ctx.globalAlpha /= this.alpha;
  }
}

// within draws what may not leave a box.
function within(box, f) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.x, box.y, area.w, box.h);
  ctx.clip();
  f();
  ctx.restore();
}

// stepped draws a value that changes from moment to moment, a pixel's extremes
// where there are many in it.
function stepped(at, value, y) {
  const last = firstAbove(at, view.to, false);
  let i = Math.max(0, firstAbove(at, view.from, false) - 1);
  ctx.beginPath();
  let x = -1, open = false, previous = 0;
  for (; i < last; i++) {
    if (value[i] < 0) {
      if (open) ctx.lineTo(X(at[i]), previous);
      open = false;
      continue;
    }
    const nx = Math.max(area.x - 2, X(at[i])), ny = y(value[i]);
    if (open) {
      if (nx - x < 0.5 && Math.abs(ny - previous) < 0.5) continue;
      ctx.lineTo(nx, previous);
      ctx.lineTo(nx, ny);
    } else ctx.moveTo(nx, ny);
    [x, previous, open] = [nx, ny, true];
  }
  if (open) ctx.lineTo(Math.min(area.x + area.w + 2, X(Math.max(story.length, view.from))), previous);
}
