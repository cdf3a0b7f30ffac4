// Hosts, and between them wires with their controls.

import { tell } from "./api.js";
import { bits, bytes, count } from "./format.js";
import { drawing, make, setText } from "./make.js";
import { sliders } from "./shape.js";

const drawn = new Map(); // wires by ID
let say;

export function begin(complain) {
  say = complain;
}

export function show(state) {
  for (const wire of state.wires) {
    if (!drawn.has(wire.id)) {
      const w = new Wire(wire, state.presets);
      drawn.set(wire.id, w);
      document.querySelector("#network").append(w.element);
    }
    drawn.get(wire.id).show(wire, state);
  }
}

class Wire {
  constructor(wire, presets) {
    this.ends = [make("div", { class: "host" }), make("div", { class: "host" })];
    this.ways = wire.directions.map((way) => new Way(wire, way, presets));
    this.element = make("div", { class: "wire", id: `wire-${wire.id}` },
      this.ends[0], make("div", { class: "ways" }, ...this.ways.map((w) => w.element)), this.ends[1]);
  }

  show(wire, state) {
    [wire.a, wire.b].forEach((name, i) => this.showEnd(this.ends[i], name, state.hosts.find((h) => h.name === name)));
    wire.directions.forEach((way, i) => this.ways[i].show(way, wire, state.now));
  }

  showEnd(element, name, host) {
    if (!element.firstChild) {
      element.append(make("b", {}, name));
      if (host) {
        for (const a of host.addrs) element.append(make("span", { class: "mono" }, a));
        element.figures = ["open", "segments out", "in", "sent again"].map((what) => [make("dt", {}, what), make("dd")]);
        element.append(make("dl", {}, ...element.figures.flat()));
      } else element.append(make("span", { class: "quiet" }, "the other end: not recorded"));
    }
    if (host) {
      [host.established, host.segmentsSent, host.segmentsReceived, host.retransmissions]
        .forEach((n, i) => setText(element.figures[i][1], count(n)));
    }
  }
}

class Way {
  constructor(wire, way, presets) {
    this.path = (verb) => `api/wires/${encodeURIComponent(wire.id)}/${verb}?direction=${way.id}`;
    this.touched = -Infinity; // while a hand is on it the server's word waits
    this.state = make("span", { class: "state" });
    this.sliders = sliders.map((slider) => this.slider(slider, `${way.from} to ${way.to}`));
    this.text = make("input", { spellcheck: false, autocomplete: "off", placeholder: "perfect; say delay 80ms loss 2% …", "aria-label": `Shape from ${way.from} to ${way.to}, in tc-netem's words` });
    this.preset = make("select", { "aria-label": "A kind of access" }, make("option", { value: "" }, "preset"), ...presets.map((p) => make("option", { value: p }, p)));
    this.preset.addEventListener("change", () => {
      if (this.preset.value) this.send(`preset ${this.preset.value} ${way.id === "ab" ? "down" : "up"}`);
      this.preset.value = "";
    });
    const form = make("form", { class: "words" }, this.text, this.preset, make("button", {}, "Set"));
    this.refused = make("p", { class: "refused", id: `refused-${wire.id}-${way.id}`, hidden: true });
    this.text.setAttribute("aria-describedby", this.refused.id);
    form.addEventListener("submit", (e) => { e.preventDefault(); this.send(this.text.value, true); });
    this.text.addEventListener("keydown", (e) => { if (e.key === "Escape") { this.text.value = this.now.shape.text; this.settle(); say(""); } });
    this.text.addEventListener("input", () => { this.typed = true; this.text.classList.add("typed"); });
    this.blackhole = this.button("Blackhole", () => (this.now.state === "blackhole" ? "up" : "blackhole"));
    this.down = this.button("Down", () => (this.now.state === "down" ? "up" : "down"));
    this.drop = this.button("Drop next SYN-ACK", () => "drop-next-syn-ack");
    this.counters = make("p", { class: "counters" });
    const arrow = way.id === "ab" ? "M0 7H598M590 2l8 5l-8 5" : "M600 7H2M10 2L2 7l8 5";
    this.element = make("div", { class: `way ${way.id}` },
      drawing("arrow", "0 0 600 14", arrow),
      make("div", { class: "card" },
        make("h3", {}, `${way.from} → ${way.to}`, this.state),
        make("div", { class: "sliders" }, ...this.sliders.map((s) => s.label)), form, this.refused,
        make("div", { class: "buttons" }, this.blackhole, this.down, this.drop), this.counters));
  }

  slider(about, where) {
    const input = make("input", { type: "range", min: 0, max: about.max, value: 0, name: about.word, "aria-label": `${about.name}, ${where}` });
    const output = make("output", {}, "none");
    input.addEventListener("input", () => {
      setText(output, about.show(Number(input.value)));
      this.touched = performance.now();
      clearTimeout(this.later); // a slider that is drawn asks ten times a second, not a hundred
      this.later = setTimeout(() => {
        const words = { ...this.now.shape.words };
        about.set(words, Number(input.value));
        this.send(JSON.stringify(words));
      }, 100);
    });
    return { about, input, output, label: make("label", {}, about.name, output, input) };
  }

  button(text, verb) {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", () => this.do(verb()));
    return button;
  }

  // settle has the field show the wire's shape again. What was typed stays until
  // a shape is set: the field is left by pressing Set, and what is refused is there
  // to be mended.
  settle() {
    this.typed = false;
    this.text.classList.remove("typed");
    this.refuse("");
  }

  refuse(why) {
    setText(this.refused, why);
    this.refused.hidden = !why;
    this.text.ariaInvalid = why ? "true" : null;
  }

  async do(verb, body, typed) {
    try {
      const wire = await tell(this.path(verb), body);
      say("");
      if (verb === "shape") this.settle();
      if (typed) this.text.blur();
      for (const way of wire.directions) if (this.element.classList.contains(way.id)) this.show(way, wire);
    } catch (err) {
      say(err.message);
      if (typed) this.refuse(err.message);
    }
  }

  send(shape, typed = false) {
    return this.do("shape", shape, typed);
  }

  show(way, wire, now) {
    this.now = way;
    this.element.classList.toggle("down", way.state === "down");
    this.element.classList.toggle("blackhole", way.state === "blackhole");
    setText(this.state, { up: "up", down: "down: the cable is pulled", blackhole: "blackhole: all is lost" }[way.state]);
    this.blackhole.ariaPressed = way.state === "blackhole";
    this.down.ariaPressed = way.state === "down";
    setText(this.drop, wire.synAcksToDrop ? `Drop next SYN-ACK (${wire.synAcksToDrop} to come)` : "Drop next SYN-ACK");
    if (performance.now() - this.touched > 600) {
      for (const { about, input, output } of this.sliders) {
        const at = about.from(way.shape.words || {});
        input.disabled = !way.shape.words;
        input.value = at;
        setText(output, way.shape.words?.[about.word] || about.show(0));
        output.title = output.textContent; // it may be longer than the room
      }
      if (document.activeElement !== this.text && !this.typed) this.text.value = way.shape.text;
    }
    if (now) this.count(way, Date.parse(now));
  }

  count(way, now) {
    const c = way.counters;
    const seconds = this.last ? (now - this.last.now) / 1000 : 0;
    const rate = seconds > 0 ? ((c.deliveredBytes - this.last.bytes) * 8) / seconds : 0;
    this.last = { now, bytes: c.deliveredBytes };
    const causes = Object.entries(c).filter(([k, n]) => k.startsWith("dropped") && n)
      .map(([k, n]) => `${k.slice(7).toLowerCase()} ${count(n)}`).join(", ");
    const figures = [[count(c.delivered), c.delivered === 1 ? "packet" : "packets"], [bytes(c.deliveredBytes), ""], [bits(rate), ""]];
    if (c.underWay) figures.push([count(c.underWay), "under way"]);
    if (c.queued) figures.push([count(c.queued), "queued"]);
    const all = figures.map(([n, what]) => make("span", {}, make("b", {}, n), ` ${what}`));
    if (way.dropped) all.push(make("span", { class: "bad" }, make("b", {}, count(way.dropped)), ` dropped (${causes})`));
    this.counters.replaceChildren(...all);
  }
}
