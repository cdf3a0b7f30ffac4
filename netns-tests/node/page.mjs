// Headless Chromium with the chat page open in two tabs: each sends a message, both show both. Then the tabs wait for
// the server to go.
//
//   node page.mjs URL SHOTS-FOLDER [tls]
//
// says {kind:"chatted"} with what the tabs show and everything they asked for, then {kind:"lost"} when both have seen
// that the server is gone. "tls" accepts any certificate: a browser has no option to trust one by its fingerprint.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { say } from "./report.mjs";

const [url, shots, tls] = process.argv.slice(2);
const profile = await mkdtemp(join(tmpdir(), "strata-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium",
  headless: true,
  ignoreHTTPSErrors: tls === "tls",
  viewport: { width: 800, height: 600 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

try {
  const asked = new Set();
  const complaints = [];
  browser.on("request", (request) => asked.add(request.url()));

  const tabs = [];
  for (const name of ["first", "second"]) {
    const page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    page.on("websocket", (socket) => asked.add(socket.url()));
    page.on("pageerror", (error) => complaints.push(`${name} tab: ${error}`));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(`${name} tab: ${message.text()} ${message.location().url}`);
    });
    await page.goto(url);
    await page.locator("#status", { hasText: /^connected$/ }).waitFor();
    tabs.push(page);
  }

  // The second has markup in it: it must be shown, not obeyed.
  const texts = ["hello from the first tab", "<b>hello</b> from the second tab ✓"];
  for (const [i, page] of tabs.entries()) {
    await page.bringToFront();
    await page.locator("#message").fill(texts[i]);
    await page.locator("#form #message").press("Enter");
    for (const tab of tabs) await tab.locator("#messages li").nth(i).waitFor();
  }
  const shown = [];
  for (const [i, page] of tabs.entries()) {
    await page.bringToFront();
    shown.push(await page.locator("#messages li").allInnerTexts());
    await page.screenshot({ path: join(shots, `chat-tab-${i + 1}.png`) });
  }
  // Seen before the server goes: what the tabs say when it is gone is no complaint.
  say({ kind: "chatted", texts, shown, asked: [...asked], complaints: [...complaints] });

  for (const page of tabs) await page.locator("#status", { hasNotText: /^connected$/ }).waitFor({ timeout: 120_000 });
  say({ kind: "lost" });
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
