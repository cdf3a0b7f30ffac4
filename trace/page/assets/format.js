// Numbers for people.

const units = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

// duration is like "254.1 ms", with a few digits.
function duration(ns) {
  const [unit, size] = units.find(([, size]) => Math.abs(ns) >= size) || ["ms", 1e6];
  const value = ns / size;
  const digits = Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 10 ? 2 : 3;
  return `${trimmed(value.toFixed(digits))} ${unit}`;
}

const trimmed = (s) => (s.includes(".") ? s.replace(/\.?0+$/, "") : s);

// exactly gives durations in milliseconds with as many digits as the finest of
// them needs: what is shown adds up.
function exactly(all) {
  let digits = 0;
  for (const ns of all) {
    let d = 6;
    for (let n = Math.round(ns); d > 0 && n % 10 === 0; n /= 10) d--;
    if (ns) digits = Math.max(digits, d);
  }
  return (ns) => `${(ns / 1e6).toFixed(digits)} ms`;
}

// moment is a time since the beginning; step is how far apart moments are that
// have to differ.
function moment(ns, step = 1e5) {
  const digits = Math.max(0, Math.min(9, Math.ceil(9 - Math.log10(Math.max(1, step)) - 1e-9)));
  return `${(ns / 1e9).toFixed(digits)} s`;
}

function rate(bitsPerSecond) {
  for (const [unit, size] of [["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]]) {
    if (bitsPerSecond >= size) return `${trimmed((bitsPerSecond / size).toFixed(1))} ${unit}`;
  }
  return `${Math.round(bitsPerSecond)} bit/s`;
}

const count = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
