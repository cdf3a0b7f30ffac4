// Headless Chromium with a page opened from the disk. It does what it is told, step by step, and says what it saw.
//
//   node visit.mjs PLAYWRIGHT-FOLDER PAGE SHOTS-FOLDER|"" < steps.json
//
// The steps are a list of {do, …}: "viewport" {width, height, dark}, "open" {hash}, "click" {on}, "press" {key},
// "type" {on, text}, "choose" {on, value}, "chart" {x, y}: click on the chart; "wheel" {x, y, dx, dy}; "drag" {x, y, by};
// "pinch" {x, y, from, to}: two fingers beside a place, which go from so far apart to so far; "swipe" {x, y, by}: one;
// "shot" {name}; "measure" {frames}; "look" {name} keeps what is shown now. It says {looks, asked, complaints, measured, opened} as one line.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [playwright, file, shots] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(join(resolve(playwright), "package.json")))("playwright-core");
const steps = await new Promise((done) => {
  let text = "";
  process.stdin.on("data", (b) => (text += b)).on("end", () => done(JSON.parse(text)));
});
const url = pathToFileURL(file).href;
const browser = await chromium.launch({
  executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium", headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const saw = { looks: {}, asked: [], complaints: [], measured: [], opened: 0 };
try {
  const page = await browser.newPage({ hasTouch: steps.some((s) => s.do === "pinch") });
  page.setDefaultTimeout(30_000);
  page.on("request", (r) => { if (!r.isNavigationRequest()) saw.asked.push(r.url()); });
  page.on("websocket", (s) => saw.asked.push(s.url()));
  page.on("pageerror", (e) => saw.complaints.push(String(e)));
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") saw.complaints.push(m.text()); });
  page.on("dialog", (d) => { saw.complaints.push(`dialog: ${d.message()}`); d.dismiss(); });
  await page.emulateMedia({ reducedMotion: "reduce" }); // nothing glides: what is next is there at once
  const settled = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  for (const s of steps) {
    switch (s.do) {
      case "viewport":
        await page.setViewportSize({ width: s.width, height: s.height });
        await page.emulateMedia({ colorScheme: s.dark ? "dark" : "light", reducedMotion: "reduce" });
        break;
      case "open": {
        const began = performance.now();
        await page.goto("about:blank");
        await page.goto(url + (s.hash || ""));
        await page.locator("#chart[data-drawn]").waitFor();
        saw.opened = performance.now() - began;
        break;
      }
      case "click": await page.locator(s.on).first().click(); break;
      case "press": await page.keyboard.press(s.key); break;
      case "type": await page.locator(s.on).fill(s.text); break;
      case "choose": await page.locator(s.on).selectOption(s.value); break;
      case "chart": await page.locator("#chart").click({ position: { x: s.x, y: s.y } }); break;
      case "wheel": await page.mouse.move(s.x, s.y); await page.mouse.wheel(s.dx || 0, s.dy || 0); break;
      case "drag":
        await page.mouse.move(s.x, s.y);
        await page.mouse.down();
        await page.mouse.move(s.x + s.by, s.y, { steps: 4 });
        await page.mouse.up();
        break;
      case "pinch": case "swipe": {
        const touch = await page.context().newCDPSession(page);
        const fingers = (at) => s.do === "swipe" ? [{ x: s.x + at * s.by, y: s.y, id: 0 }]
          : [-1, 1].map((side, id) => ({ x: s.x + side * (s.from + at * (s.to - s.from)) / 2, y: s.y, id }));
        await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: fingers(0) });
        for (let i = 1; i <= 10; i++) await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: fingers(i / 10) });
        await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
        break;
      }
      case "shot": if (shots) await page.screenshot({ path: join(shots, `${s.name}.png`) }); break;
      case "measure":
        // Wheel by wheel, in and out around a place, a frame each.
        saw.measured = await page.evaluate(async (frames) => {
          const chart = document.getElementById("chart"), box = chart.getBoundingClientRect(), took = [], drawn = [];
          let last = 0;
          for (let i = 0; i < frames; i++) {
            chart.dispatchEvent(new WheelEvent("wheel", {
              deltaY: i % 20 < 10 ? -240 : 240, clientX: box.left + box.width * 0.6, clientY: box.top + 200, bubbles: true, cancelable: true,
            }));
            const now = await new Promise(requestAnimationFrame);
            if (last) took.push(now - last);
            last = now;
            drawn.push(Number(chart.dataset.drawn));
          }
          return [took, drawn];
        }, s.frames);
        break;
      case "look":
        await settled();
        saw.looks[s.name] = await page.evaluate(() => {
          const cells = [...document.querySelectorAll("#breakdown tbody [data-ns]")].map((e) => Number(e.dataset.ns));
          const text = (q) => document.querySelector(q)?.textContent ?? "";
          return {
            title: text("#detail h2"), told: text("#detail .told"), latency: Number(document.querySelector("#detail .big")?.dataset.ns ?? -1),
            parts: cells, sum: Number(document.querySelector("#breakdown tfoot [data-ns]")?.dataset.ns ?? -1),
            shownParts: [...document.querySelectorAll("#breakdown tbody [data-ns]")].map((e) => e.textContent), shownSum: text("#breakdown tfoot [data-ns]"),
            losses: [...document.querySelectorAll(".losses li")].map((e) => e.textContent), path: text("#detail .path"), trouble: text("#detail .trouble"),
            window: text("#window"), span: ["from", "to"].map((e) => Number(document.getElementById("window").dataset[e])), said: text("#said"), facts: text("#facts"), dark: document.documentElement.classList.contains("dark"),
            listed: [...document.querySelectorAll("#slowest .name")].map((e) => e.textContent), more: text("#more"),
            helped: document.getElementById("keys").open, conns: document.querySelectorAll("#conn option").length,
            nameless: [...document.querySelectorAll("button, select, input, canvas")].filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length)).length,
            cut: ["h1", "#facts"].map((q) => document.querySelector(q)).some((e) => e.scrollWidth > e.clientWidth), // what is said on top
            wide: document.documentElement.scrollWidth > innerWidth, scripts: document.scripts.length, images: document.images.length,
          };
        });
        break;
      default: throw new Error(`no such step: ${s.do}`);
    }
    await settled();
  }
  process.stdout.write(JSON.stringify(saw) + "\n");
} finally {
  await browser.close();
}
