// Headless Chromium at the live page: sets shapes by hand, one that is refused and one that is long, and stays until
// the page's server is gone.
//
//   node shape.mjs PLAYWRIGHT-FOLDER URL SHOTS-FOLDER|""
//
// says {kept, why, later, sliders, row, narrow, wide} as one line: what the field holds a second after it was refused,
// and why it was; what it holds after another shape; how far down the sliders are, the parts of the row that sets a
// shape, and of these preset and button on a phone; whether the phone has to be panned. Then {status} when nobody answers.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [playwright, url, shots] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(join(resolve(playwright), "package.json")))("playwright-core");
const browser = await chromium.launch({
  executablePath: process.env.STRATA_CHROMIUM || "/usr/bin/chromium", headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  const shot = (name) => shots && page.screenshot({ path: join(shots, `shape-${name}.png`), fullPage: true });
  await page.goto(url);
  const way = page.locator(".way.ab"), field = way.locator(".words input"), why = way.locator(".refused");
  const set = async (shape) => { await field.fill(shape); await way.getByRole("button", { name: "Set" }).click(); };
  const tops = (q) => way.locator(q).evaluateAll((all) => all.map((e) => Math.round(e.getBoundingClientRect().top)));

  await field.waitFor();
  await field.fill("delay banana");
  await page.locator("h1").click(); // the field is left, for longer than from one answer to the next
  await page.waitForTimeout(1500);
  await way.getByRole("button", { name: "Set" }).click();
  await why.waitFor();
  await page.locator("h1").click();
  await page.waitForTimeout(1500);
  const saw = { kept: await field.inputValue(), why: await why.innerText() };
  await shot("refused");
  await set("delay 35ms 5ms 25% distribution normal rate 29500kbit limit 1200");
  await why.waitFor({ state: "hidden" });
  await page.waitForFunction(() => document.querySelector(".way.ab output").textContent.startsWith("35ms"));
  saw.later = await field.inputValue();
  saw.sliders = await tops(".sliders input");
  saw.row = await tops(".words > *");
  await shot("long");
  await page.setViewportSize({ width: 400, height: 800 });
  saw.narrow = await tops(".words > :not(input)");
  saw.wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await shot("phone");
  await page.emulateMedia({ colorScheme: "dark" });
  await shot("phone-dark");
  await page.setViewportSize({ width: 1280, height: 900 });
  say(saw);
  await page.locator("body.gone").waitFor();
  const status = await page.locator("#status").innerText();
  await shot("gone");
  say({ status });
} finally {
  await browser.close();
}
