// The report's page in headless Chromium, in light and in dark: is it used as people use it, and whom does it ask for
// anything?
//
//   node page.mjs NODE-MODULES URL SHOTS-FOLDER
//
// prints one line of JSON: what was asked for, what was complained about, and what the page showed.

import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [modules, url, shots] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "x.js"))("playwright-core");
const profile = await mkdtemp(join(tmpdir(), "strata-chromium-"));
const asked = new Set(), complaints = [], saw = {};
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1100, height: 900 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  browser.on("request", request => asked.add(request.url()));
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", error => complaints.push(String(error)));
  page.on("console", message => message.type() === "error" && complaints.push(message.text()));
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.goto(url);
    const heat = page.locator("#heat td[tabindex]");
    saw.cells = await heat.allTextContents();
    saw.paths = await page.locator("#ecdf path").count();
    saw.theories = await page.locator("#theory .legend li").allTextContents();
    saw.before = await page.locator("#ecdf .chart .title").textContent();
    await heat.last().click();
    saw.clicked = await page.locator("#heat td.chosen").textContent();
    saw.after = await page.locator("#theory .chart .title").textContent();
    await page.locator("#ecdf select").first().focus();
    await heat.first().focus();
    await page.keyboard.press("Enter");
    saw.pressed = await page.locator("#heat td.chosen").textContent();
    saw.rows = await page.locator("#table tr").count();
    const slowest = page.locator("#slowest details").first();
    if (await slowest.count()) {
      await slowest.locator("summary").click();
      saw.slowest = await slowest.innerText();
    }
    saw.background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.screenshot({ path: join(shots, `report-${colorScheme}.png`), fullPage: true });
  }
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
console.log(JSON.stringify({ asked: [...asked], complaints, saw }));
