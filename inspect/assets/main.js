// Asks, in turns of its own for each part, and only while somebody sees the page.

import { ask } from "./api.js";
import * as connections from "./connections.js";
import * as ladder from "./ladder.js";
import * as messages from "./messages.js";
import * as network from "./network.js";
import { setText } from "./make.js";

const complaint = document.querySelector("#said");
network.begin((text) => {
  setText(complaint, text);
  complaint.hidden = !text;
});

const status = document.querySelector("#status");
function live(is) {
  setText(status, is ? "live" : "no answer; trying again. What is below was last heard");
  document.body.classList.toggle("gone", !is);
  status.classList.toggle("live", is);
}

const visible = () => new Promise((resolve) => {
  if (document.visibilityState === "visible") resolve();
  else document.addEventListener("visibilitychange", () => resolve(visible()), { once: true });
});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function each(ms, f) {
  for (;;) {
    await visible();
    try {
      await f();
      live(true);
      await pause(ms);
    } catch (err) {
      live(false);
      await pause(1000);
    }
  }
}

each(500, async () => {
  const state = await ask("api/state");
  setText(document.querySelector("#title"), state.title);
  document.title = `${state.title}: live`;
  network.show(state);
});
each(1000, async () => connections.show(await ask("api/connections?limit=50")));
each(2000, async () => messages.show(await ask("api/messages")));
let next = 0;
each(250, async () => {
  const told = await ask(`api/events?of=ladder&newest=50&wait=10&since=${next}`); // 200 a second: more nobody reads
  next = told.next;
  ladder.show(told);
});
