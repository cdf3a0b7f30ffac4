// Reports' pages in headless Chromium: which sections do they show, and what is in them?
//
//   node sections.mjs NODE-MODULES SHOTS-FOLDER URL...
//
// prints one line of JSON: for each page its complaints and the sections it shows, each with how much of everything is
// in it.

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
try {
  for (const url of urls) {
    const page = await browser.newPage(), complaints = [];
    page.setDefaultTimeout(30_000);
    page.on("pageerror", error => complaints.push(String(error)));
    page.on("console", message => message.type() === "error" && complaints.push(message.text()));
    const sections = {};
    for (const colorScheme of ["light", "dark"]) for (const width of [1280, 400]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.goto(url);
      if (process.env.STRATA_SHOTS) await page.screenshot({ path: join(shots, `report-${basename(dirname(url))}-${colorScheme}-${width}.png`), fullPage: true });
    }
    for (const section of await page.locator("main > section").all()) {
      if (!await section.isVisible()) continue;
      sections[await section.getAttribute("id")] = await section.evaluate(s => ({
        text: s.innerText,
        cells: s.querySelectorAll("td").length,
        charts: s.querySelectorAll("svg").length,
        drawn: [...s.querySelectorAll("svg path, svg circle")].filter(d => { const b = d.getBBox(); return b.width + b.height > 0; }).length,
        details: s.querySelectorAll("details").length,
      }));
    }
    pages.push({ complaints, sections });
    await page.close();
  }
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
console.log(JSON.stringify(pages));
