// A client at a server of ours.
//
//   node client.mjs ws URL [PERMESSAGE-DEFLATE]             npm's ws, with its perMessageDeflate as JSON
//   node --experimental-websocket client.mjs node URL       Node's own
//   node client.mjs chromium URL…                           Chromium, on a page from each of these
//
// says what was agreed on, as JSON, a line for each URL, when all went well.

import { story } from "./story.mjs";

const [kind, url, deflate = "false"] = process.argv.slice(2);
const say = (told) => console.log(JSON.stringify(told));

// npm's ws has more than browsers have.
const more = {
  fragments(socket, parts) {
    parts.forEach((p, i) => socket.send(p, { binary: false, fin: i === parts.length - 1 }));
  },
  ping(socket) {
    return new Promise((resolve, reject) => {
      socket.once("pong", (p) => (String(p) === "are you there?" ? resolve() : reject(new Error(`pong ${p}`))));
      socket.ping("are you there?");
    });
  },
};

async function inChromium() {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await browser.newPage();
    for (const url of process.argv.slice(3)) {
      await page.goto(url.replace("ws:", "http:"));
      const told = await page.evaluate(async (url) => {
        const { story } = await import("/story.mjs");
        return story(WebSocket, url);
      }, url);
      say(told);
    }
  } finally {
    await browser.close();
  }
}

switch (kind) {
  case "ws": {
    const { WebSocket } = await import("ws");
    const perMessageDeflate = JSON.parse(deflate);
    let extensions; // with their parameters, which the socket does not tell
    await story(class extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols, { perMessageDeflate });
        this.once("upgrade", (response) => (extensions = response.headers["sec-websocket-extensions"] ?? ""));
      }
    }, url, more);
    say({ extensions });
    break;
  }
  case "node":
    say(await story(WebSocket, url));
    break;
  case "chromium":
    await inChromium();
    break;
  default:
    throw new Error(`what is ${kind}?`);
}
