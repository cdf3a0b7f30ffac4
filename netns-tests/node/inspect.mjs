// Headless Chromium at the live page of "strata serve --inspect": looks at what it shows, presses its buttons, moves a
// slider.
//
//   node inspect.mjs URL SHOTS-FOLDER
//
// says {kind:"opened"} when the page is live, waits for connections and for a message, and says {kind:"steered"} with
// what it saw, when the page has no more to do: the next SYN-ACK is to be dropped, and the way out has a delay of 40 ms.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { say } from "./report.mjs";

const [url, shots] = process.argv.slice(2);
const profile = await mkdtemp(join(tmpdir(), "strata-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1280, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

try {
  const asked = new Set();
  const complaints = [];
  browser.on("request", (request) => asked.add(new URL(request.url()).origin));
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
  });
  await page.goto(url);
  await page.locator("#status", { hasText: /^live$/ }).waitFor();
  say({ kind: "opened" });

  const shot = (name) => page.screenshot({ path: join(shots, `inspect-${name}.png`), fullPage: true });
  await page.locator("#connections tbody tr").nth(1).waitFor();
  await page.locator("#messages .bar").nth(3).waitFor();
  await page.locator("#ladder li").nth(5).waitFor();
  const connections = await page.locator("#connections tbody tr").count();
  const messages = await page.locator("#messages .text").allInnerTexts();
  const ladder = await page.locator("#ladder .what").allInnerTexts();
  await shot("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await shot("dark");
  await page.setViewportSize({ width: 390, height: 844 });
  await shot("phone");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });

  const way = page.locator(".way.ab");
  const button = (name) => way.getByRole("button", { name });
  const state = () => way.locator(".state").innerText();
  await button("Blackhole").click();
  await page.locator(".way.ab.blackhole").waitFor();
  const blackhole = await state();
  await shot("blackhole");
  await button("Blackhole").click();
  await page.locator(".way.ab:not(.blackhole)").waitFor();
  await button("Down").click();
  await page.locator(".way.ab.down").waitFor();
  const down = await state();
  await button("Down").click();
  await page.locator(".way.ab:not(.down)").waitFor();
  const up = await state();

  await button("Drop next SYN-ACK").click();
  await way.getByRole("button", { name: "1 to come" }).waitFor();
  await way.locator("input[name=delay]").fill("20");
  await page.waitForFunction(() => document.querySelector(".way.ab .words input").value === "delay 40ms");
  const slider = await way.locator("output").first().innerText();

  const timeline = await browser.newPage();
  timeline.on("pageerror", (error) => complaints.push(`timeline: ${error}`));
  timeline.on("console", (message) => {
    if (message.type() === "error") complaints.push(`timeline: ${message.text()}`);
  });
  await timeline.goto(new URL("timeline.html", url).href);
  const timelineTitle = await timeline.title();
  await timeline.screenshot({ path: join(shots, "inspect-timeline.png") });
  await timeline.close();

  say({ kind: "steered", connections, messages, ladder, wide, blackhole, down, up, slider, timelineTitle, asked: [...asked], complaints: [...complaints] });
  // What is refused is said, and the shape stays. (Chromium's console complains about every status of 400.)
  await way.locator(".words input").fill("delay banana");
  await way.getByRole("button", { name: "Set" }).click();
  await page.locator("#said", { hasText: "banana" }).waitFor();
  say({ kind: "refused", said: await page.locator("#said").innerText() });
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
