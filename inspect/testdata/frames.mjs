// Headless Chromium at the live page while many connections are busy: waits for messages that are explained, then
// counts the frames of some seconds.
//
//   node frames.mjs PLAYWRIGHT-FOLDER URL SECONDS SHOT|""
//
// says {followed, connections, messages, explained, frames, longest, complaints} as one line; longest is the longest
// time from one frame to the next, ms.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [playwright, url, seconds, shot] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(join(resolve(playwright), "package.json")))("playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium", headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") complaints.push(m.text()); });
  await page.goto(url);
  await page.locator("#followed", { hasText: " of " }).waitFor();
  await page.locator("#messages .bar").nth(3).waitFor();
  const [frames, longest] = await page.evaluate(async (seconds) => {
    const began = performance.now();
    let last = began, frames = 0, longest = 0;
    while (last - began < seconds * 1000) {
      const now = await new Promise(requestAnimationFrame);
      frames++;
      longest = Math.max(longest, now - last);
      last = now;
    }
    return [frames, longest];
  }, Number(seconds));
  const text = (q) => page.locator(q).innerText();
  if (shot) await page.screenshot({ path: shot, fullPage: true });
  process.stdout.write(JSON.stringify({
    followed: await text("#followed"), connections: await text("#connections-count"), messages: await page.locator("#messages li").count(),
    explained: await page.locator("#messages .bar").count(), frames, longest, complaints,
  }) + "\n");
} finally {
  await browser.close();
}
