// Reports' pages in headless Chromium: which sections do they show, and what is in them?
//
//   node sections.mjs NODE-MODULES SHOTS-FOLDER URL...
//
// prints one line of JSON: for each page its complaints, what is hard to read or to find in any colours and width, and
// the sections it shows, each with how much of everything is in it.

import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const [modules, shots, ...urls] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "x.js"))("playwright-core");
const profile = await mkdtemp(join(tmpdir(), "strata-chromium-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const pages = [];

// In the page, with all that can be opened: the least contrast of a heat map's cells, how many boxes there are of which a part is cut off, how many
// of those do not say so, whether the page itself is wider than its window, and the lowest line of text in a chart.
function look() {
  for (const d of document.querySelectorAll("section details")) d.open = true;
  const numbers = text => text.match(/[\d.]+/g).map(Number);
  const luminance = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const card = document.querySelector("section"), under = numbers(getComputedStyle(card).backgroundColor);
  const contrasts = [...document.querySelectorAll("#heat td[tabindex]")].map(td => {
    const [r, g, b, a = 1] = numbers(getComputedStyle(td).backgroundColor);
    const [dark, light] = [luminance([r, g, b].map((v, i) => v * a + under[i] * (1 - a))), luminance(numbers(getComputedStyle(td).color).slice(0, 3))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  });
  const cut = [...document.querySelectorAll("section *")].filter(e => getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1);
  return {
    contrast: Math.min(21, ...contrasts),
    cut: cut.length, silent: cut.filter(e => !getComputedStyle(e, "::before").content.includes("scroll")).length,
    lowest: Math.min(99, ...[...document.querySelectorAll("svg text")].filter(t => t.textContent).map(t => t.getBoundingClientRect().height)),
    wide: document.documentElement.scrollWidth > innerWidth,
  };
}
try {
  for (const url of urls) {
    const page = await browser.newPage(), complaints = [];
    page.setDefaultTimeout(30_000);
    page.on("pageerror", error => complaints.push(String(error)));
    page.on("console", message => message.type() === "error" && complaints.push(message.text()));
    const sections = {}, looks = [];
    for (const colorScheme of ["light", "dark"]) for (const width of [1280, 400]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.goto(url);
      await page.waitForFunction(() => new Promise(done => requestAnimationFrame(() => done(true))));
      looks.push({ colorScheme, width, ...await page.evaluate(look) });
      if (process.env.STRATA_SHOTS) await page.screenshot({ path: join(shots, `report-${basename(dirname(url))}-${colorScheme}-${width}.png`), fullPage: true });
    }
    for (const section of await page.locator("main > section").all()) {
      if (!await section.isVisible()) continue;
      sections[await section.getAttribute("id")] = await section.evaluate(s => ({
        text: s.innerText,
        cells: s.querySelectorAll("td").length,
        charts: s.querySelectorAll("svg").length,
        drawn: [...s.querySelectorAll("svg path, svg circle")].filter(d => { const b = d.getBBox(); return b.width + b.height > 0; }).length,
        paths: s.querySelectorAll("svg path").length,
        dots: s.querySelectorAll("svg circle").length,
        keys: s.querySelectorAll(".legend .dot").length,
        left: Math.min(999, ...[...s.querySelectorAll("svg path")].map(p => p.getBBox().x)) - Math.min(999, ...[...s.querySelectorAll("svg .axis")].map(a => a.getBBox().x)),
        details: s.querySelectorAll("details").length,
      }));
    }
    pages.push({ complaints, looks, sections });
    await page.close();
  }
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
console.log(JSON.stringify(pages));
