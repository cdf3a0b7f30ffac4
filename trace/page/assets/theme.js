// Colours: those of the style sheet, for the canvas; light, dark, or as the
// system has it.

const partNames = [
  "program", "handshake", "cwnd", "window", "send buffer", "recovery", "queue", "serialization",
  "propagation", "forwarding", "head of line", "receiver",
];
const slug = (name) => name.replaceAll(" ", "-");
const color = {};
const parts = {}; // what a part is filled with

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "surface", "raised", "line", "line-strong", "ink", "quiet", "faint", "accent", "accent-soft", "forth", "back", "again", "other"]) {
    color[name] = style.getPropertyValue("--" + name).trim();
  }
  for (const name of partNames) {
    const flat = style.getPropertyValue("--" + slug(name)).trim();
    parts[name] = flat;
    color[slug(name)] = flat;
  }
  // Who sees no difference between the two reds sees stripes.
  parts.recovery = striped(parts.recovery, 1);
  parts["head of line"] = striped(parts["head of line"], -1);
  color.sans = style.getPropertyValue("--sans");
  color.mono = style.getPropertyValue("--mono");
}

function striped(flat, lean) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 12;
  const t = tile.getContext("2d");
  t.fillStyle = flat;
  t.fillRect(0, 0, 12, 12);
  t.strokeStyle = "#ffffff80";
  t.lineWidth = 2.6;
  for (const shift of [-12, -6, 0, 6, 12]) {
    t.beginPath();
    t.moveTo(shift, lean > 0 ? 12 : 0);
    t.lineTo(shift + 12, lean > 0 ? 0 : 12);
    t.stroke();
  }
  const pattern = t.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(0.5));
  return pattern;
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const themes = ["system", "light", "dark"];
let theme = "system";

function applyTheme() {
  const dark = theme === "dark" || (theme === "system" && systemDark.matches);
  document.documentElement.classList.toggle("dark", dark);
  const button = document.getElementById("theme");
  button.textContent = { system: "◐", light: "☀", dark: "☾" }[theme];
  button.setAttribute("aria-label", `Colours: ${theme === "system" ? "as the system" : theme}`);
  readColors();
}

function nextTheme() {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  applyTheme();
}
