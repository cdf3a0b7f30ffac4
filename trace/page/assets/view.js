// The window of time that is shown.

const whole = { from: 0, to: Math.max(story.length, 1000) };
{
  const margin = (whole.to - whole.from) * 0.02;
  whole.from -= margin;
  whole.to += margin;
}
const closest = 1000; // ns across the window at least

const view = { from: whole.from, to: whole.to };
let moving = 0; // the animation that is going on
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function look(from, to) {
  const span = Math.min(Math.max(to - from, closest), whole.to - whole.from);
  const middle = (from + to) / 2;
  from = Math.min(Math.max(middle - span / 2, whole.from), whole.to - span);
  view.from = from;
  view.to = from + span;
  redraw();
}

function jump(from, to) {
  cancelAnimationFrame(moving);
  look(from, to);
}

// glide goes there in a fifth of a second.
function glide(from, to) {
  cancelAnimationFrame(moving);
  if (calm.matches) return look(from, to);
  const start = { ...view }, began = performance.now();
  const step = (now) => {
    const t = Math.min(1, Math.max(0, (now - began) / 200));
    const ease = 1 - (1 - t) ** 3;
    look(start.from + (from - start.from) * ease, start.to + (to - start.to) * ease);
    if (t < 1) moving = requestAnimationFrame(step);
  };
  moving = requestAnimationFrame(step);
}

function zoom(factor, around = (view.from + view.to) / 2) {
  // At the limits it stays where it is, in place of sliding along.
  const span = view.to - view.from;
  const next = Math.min(Math.max(span * factor, closest), whole.to - whole.from);
  const share = (around - view.from) / span;
  jump(around - share * next, around + (1 - share) * next);
}

const pan = (by) => jump(view.from + by, view.to + by);

// show makes sure that a message is to be seen.
function show(m, close) {
  const length = Math.max(m.end - m.sent, 1e3);
  if (close) return glide(m.sent - length * 0.25, m.end + length * 0.25);
  const span = view.to - view.from;
  if (length > span * 0.8) return glide(m.sent - length * 0.25, m.end + length * 0.25);
  if (m.sent < view.from + span * 0.04 || m.end > view.to - span * 0.04) {
    const middle = (m.sent + m.end) / 2;
    glide(middle - span / 2, middle + span / 2);
  }
}
