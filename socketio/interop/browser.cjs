// The official client in Chromium, which has WebTransport built in, against a server of ours: every check prints a
// line.
//
//   node browser.cjs URL SHA256-OF-THE-CERTIFICATE FOLDER-OF-PLAYWRIGHT
//
// The page at URL loads the client's bundle from the server.
const [url, hash, playwright] = process.argv.slice(2);
const { createRequire } = require("node:module");
const { mkdtempSync, rmSync } = require("node:fs");
const { join } = require("node:path");
const { chromium } = createRequire(playwright + "/")("playwright-core");

// In the page: each gets a function that connects by these transports.
const checks = {
  "ack with binary": async (open) => {
    const s = await open();
    const [n, bytes] = await s.timeout(20000).emitWithAck("echo", 1, new Uint8Array([0, 1, 255]));
    if (n !== 1 || String(new Uint8Array(bytes)) !== "0,1,255") throw new Error(`${n} ${bytes}`);
    s.close();
  },
  "order is kept": async (open) => {
    const s = await open();
    const got = [];
    const all = new Promise((yes) => s.on("n", (n) => { got.push(n); if (got.length === 1000) yes(); }));
    for (let n = 0; n < 1000; n++) s.emit("n", n);
    await all;
    if (!got.every((n, i) => n === i)) throw new Error(String(got));
    s.close();
  },
  "a large event": async (open) => {
    const s = await open();
    const text = "ü".repeat(200_000);
    const [back] = await s.timeout(20000).emitWithAck("echo", text);
    if (back !== text) throw new Error(`${back.length} characters`);
    s.close();
  },
  "the server asks and disconnects": async (open) => {
    const s = await open();
    s.on("question", (n, cb) => cb(n * 7));
    if (await s.timeout(20000).emitWithAck("ask me", 6) !== 42) throw new Error("not 42");
    const gone = new Promise((yes) => s.on("disconnect", yes));
    s.emit("kick me", true);
    const reason = await gone;
    if (reason !== "io server disconnect") throw new Error(reason);
  },
};

const run = async ([check, transports, hash]) => {
  const value = Uint8Array.from(hash.match(/../g), (byte) => parseInt(byte, 16));
  const open = async () => {
    const s = io({ transports, forceNew: true, transportOptions: { webtransport: { serverCertificateHashes: [{ algorithm: "sha-256", value }] } } });
    let upgradeError;
    s.io.on("open", () => s.io.engine.on("upgradeError", (err) => { upgradeError = err; }));
    await new Promise((yes, no) => { s.on("connect", yes); s.on("connect_error", (err) => no(new Error(`${err.message}: ${err.description}`))); });
    const { engine } = s.io;
    for (const until = Date.now() + 20000; engine.transport.name !== "webtransport" && Date.now() < until;) {
      await new Promise((yes) => setTimeout(yes, 5));
    }
    if (engine.transport.name !== "webtransport") throw new Error(`it is still ${engine.transport.name}: ${upgradeError?.description}`);
    return s;
  };
  await eval(check)(open);
};

(async () => {
  const profile = mkdtempSync(join(require("node:os").tmpdir(), "strata-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium", headless: true, ignoreHTTPSErrors: true,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = await browser.newPage();
  await page.goto(url);
  for (const transports of [["webtransport"], ["polling", "webtransport"]]) {
    for (const [check, f] of Object.entries(checks)) {
      const name = `${check} by ${transports}`;
      let error;
      await page.evaluate(run, [`(${f})`, transports, hash]).catch((err) => { error = String(err.stack || err); });
      console.log(JSON.stringify({ name, error }));
    }
  }
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
})();
