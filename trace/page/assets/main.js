// What happens when the page is opened.

function facts() {
  const of = (some) => some.reduce((n, why) => n + (why ? 1 : 0), 0);
  const lost = of(packets.lost), cut = of(packets.cutOff);
  const s = [
    duration(story.length), count(messages.length, "message"), count(packets.count, "packet"), lost ? `${lost.toLocaleString("en")} lost` : "none lost",
    ...(cut ? [`${cut.toLocaleString("en")} cut off`] : []),
    count(conns.length, "connection"), count(story.hosts.length, "host"),
  ];
  const out = story.leftOut;
  const beyond = [out.packets && count(out.packets, "packet"), out.messages && count(out.messages, "message"), out.marks && count(out.marks, "event")].filter(Boolean);
  if (beyond.length) s.push(`left out: ${beyond.join(", ")}`);
  $("facts").replaceChildren(...s.flatMap((fact, i) => [i ? " · " : "", el("span", { title: fact.endsWith(" cut off") && "on a wire when it was cut, as all are when a world ends" }, fact)]));
}

function choices() {
  const option = (value, name) => el("option", { value }, name);
  $("host").append(option(-1, "all"), ...story.hosts.map((name, i) => option(i, name)));
  const fill = () => {
    const some = conns.map((c, i) => [c, i]).filter(([c]) => chosen.host < 0 || c.hosts.includes(chosen.host));
    $("conn").replaceChildren(option(-1, some.length === 1 ? "all (1)" : `all (${some.length})`),
      ...some.map(([c, i]) => option(i, `${c.hosts.map(hostName).join(" → ")}, ${c.addrs.join(" → ")}`)));
    $("conn").value = chosen.conn;
  };
  fill();
  $("host").addEventListener("change", () => {
    chosen.host = Number($("host").value);
    if (chosen.conn >= 0 && !shows(chosen.conn)) chosen.conn = -1;
    fill();
    chose();
  });
  $("conn").addEventListener("change", () => {
    chosen.conn = Number($("conn").value);
    chose();
  });
  return fill;
}

function chose() {
  if (now.selected >= 0 && !shows(messages[now.selected].conn)) select(-1);
  now.cursor = -1;
  plan();
  fillList();
}

function legend() {
  const svg = (klass, path) => {
    const s = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    s.setAttribute("viewBox", "0 0 18 10");
    s.setAttribute("class", klass);
    s.setAttribute("aria-hidden", "true");
    const p = document.createElementNS("http://www.w3.org/2000/svg", "path");
    p.setAttribute("d", path);
    s.append(p);
    return s;
  };
  const entry = (klass, path, name) => el("span", {}, svg(klass, path), name);
  $("legend").append(
    entry("forth", "M1 1 17 9", "from who opened"), entry("back", "M1 9 17 1", "to it"),
    entry("again", "M1 1 17 9", "sent again"), entry("cross", "M5 1 13 9M13 1 5 9", "lost"));
}

applyTheme();
systemDark.addEventListener("change", () => { applyTheme(); backdrop = null; redraw(); });
facts();
const fillConns = choices();
legend();
// The slowest message's connection is the first to look at.
if (slowest.length) chosen.conn = slowest[0].conn;
else if (conns.length === 1) chosen.conn = 0;
fillConns();
plan();
fillList();
$("filter").addEventListener("input", fillList);
$("in").addEventListener("click", () => zoom(1 / 1.6, middle()));
$("out").addEventListener("click", () => zoom(1.6, middle()));
$("fit").addEventListener("click", () => glide(whole.from, whole.to));
$("theme").addEventListener("click", changeTheme);
$("help").addEventListener("click", () => $("keys").showModal());
new ResizeObserver(resize).observe(scroller);

// page#message=3 opens with a message.
const linked = /^#message=(\d+)$/.exec(location.hash);
if (linked && messages[Number(linked[1])]) {
  const m = messages[Number(linked[1])];
  if (!shows(m.conn)) {
    chosen.conn = m.conn;
    fillConns();
    chose();
  }
  select(m.index, true);
}
