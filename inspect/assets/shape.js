// The words of a shape that have sliders. Each slider changes the first word of
// its part and leaves the rest ("80ms 10ms distribution normal") as it is.

const units = { "": 1e-3, ns: 1e-6, us: 1e-3, ms: 1, s: 1e3 };

function milliseconds(text = "0") {
  const [, number, unit] = /^([\d.]+)([a-z]*)/.exec(text) || [0, 0, "ms"];
  return Number(number) * (units[unit] ?? 1);
}

const scales = { "": 1, bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, tbit: 1e12 };

function bitsOf(text) {
  if (!text) return 0;
  const [, number, unit] = /^([\d.]+)([a-z]*)/.exec(text) || [0, 0, ""];
  return Number(number) * (scales[unit] ?? 1);
}

const withRest = (first, old = "") => [first, ...old.split(" ").slice(1)].join(" ");

// The sliders are finer where little matters: delay by squares, rate by decades.
export const sliders = [
  {
    word: "delay", name: "Delay", max: 100,
    from: (words) => Math.min(100, Math.round(Math.sqrt(milliseconds(words.delay) * 10))),
    show: (at) => (at ? `${(at * at) / 10} ms` : "none"),
    set: (words, at) => { if (at) words.delay = withRest(`${(at * at) / 10}ms`, words.delay); else { delete words.delay; delete words.reorder; } },
  },
  {
    word: "loss", name: "Loss", max: 100,
    from: (words) => Math.min(100, Math.round(Math.sqrt((parseFloat((words.loss || "0").replace(/^random /, "")) || 0) * 100))),
    show: (at) => (at ? `${(at * at) / 100} %` : "none"),
    set: (words, at) => { if (at) words.loss = `${(at * at) / 100}%`; else delete words.loss; },
  },
  {
    word: "rate", name: "Rate", max: 100,
    // 0 is without limit; from there down from 1 Gbit/s, by a decade for 20 steps.
    from: (words) => { const b = bitsOf(words.rate); return b ? Math.max(1, Math.min(100, Math.round((9 - Math.log10(b)) * 20))) : 0; },
    show: (at) => (at ? rate(at) : "no limit"),
    set: (words, at) => { if (at) words.rate = withRest(rate(at), words.rate); else { delete words.rate; delete words.queue; delete words.limit; } },
  },
];

function rate(at) {
  const b = 10 ** (9 - at / 20);
  const [unit, size] = b >= 1e6 ? ["mbit", 1e6] : ["kbit", 1e3];
  return `${Number((b / size).toPrecision(2))}${unit}`;
}
