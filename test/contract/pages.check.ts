import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { barriersOn } from "./accessibility.ts";
import { isCi, noBrowser, openBrowser, watched } from "./browser.ts";
import { document } from "./generated.ts";
import { heldFetch } from "./held-fetch.ts";
import { type Instance, startInstance } from "./instance.ts";
import { changeOf, hasReferenceFonts } from "./screenshot.ts";

// The contract as its readers meet it: in a browser, large, small, by day and by night, with a keyboard.

const desk = { viewport: { width: 1440, height: 1000 } };
const night = { ...desk, colorScheme: "dark" } as const;
const phone = { viewport: { width: 390, height: 844 }, isMobile: true } as const;
/** A new entry of the contents moves what is below it; a page that lost its style is another page. */
const mostChanged = 0.05;
let instance: Instance;
let browser: Browser;

before(async () => {
  mkdirSync(".wrangler/reports", { recursive: true });
  instance = await startInstance();
  if (!noBrowser) browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await instance?.stop();
});

test("the pages name every operation, and load nothing from elsewhere", { skip: noBrowser }, async () => {
  const page = await pageFor(desk);
  const { tags, paths } = document();
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  for (const { name } of tags) {
    const answer = await page.goto(`${instance.baseUrl}/docs/${name}`);
    assert.match(answer?.headers()["content-security-policy"] ?? "", /^default-src 'none'; style-src 'self'/);
    const ids = await page.locator("section.operation").evaluateAll((all) => all.map(({ id }) => id));
    const expected = operations.filter((each) => each.tags.includes(name)).map((each) => each.operationId);
    assert.deepEqual(ids.toSorted(), expected.toSorted());
  }
});

test("no link of the pages leads nowhere", { skip: noBrowser }, async () => {
  const page = await pageFor(desk);
  const seen = new Set<string>();
  const waiting = ["/docs"];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    await page.goto(instance.baseUrl + path);
    const found = await page
      .locator("a[href]")
      .evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
    for (const href of found) {
      const { origin, pathname, hash } = new URL(href, instance.baseUrl + path);
      if (origin !== instance.baseUrl) continue;
      if (pathname === path && hash !== "")
        assert.equal(await page.locator(`[id="${hash.slice(1)}"]`).count(), 1, `${path} links to ${hash}`);
      if (seen.has(pathname)) continue;
      seen.add(pathname);
      const answer: Response = await heldFetch(instance.baseUrl + pathname);
      assert.equal(answer.status, 200, `${path} links to ${pathname}`);
      if (answer.headers.get("content-type")?.startsWith("text/html")) waiting.push(pathname);
    }
  }
  assert.ok(seen.size > 10, [...seen].join());
});

test("a reader goes from the guide to an operation and tries it with their key", {
  skip: noBrowser,
}, async () => {
  const page = await pageFor(desk);
  const [{ slug, apiKey: key } = { slug: "", apiKey: "" }] = instance.tenants;
  await page.goto(`${instance.baseUrl}/docs`);
  await page.getByLabel("Tenant").fill(slug);
  await page.getByLabel("Key").fill(key);
  await page.locator("nav").getByRole("link", { name: "Customers" }).click();
  await page.getByRole("heading", { level: 1, name: "Customers" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/docs/customers");
  const form = page.getByRole("form", { name: "Try customers.create" });
  await form.getByRole("button", { name: "Send POST" }).click();
  await form.locator("output[data-state=ok]").waitFor();
  assert.match(await form.locator("output").innerText(), /^201[\s\S]*"name": "Ada Lovelace"/);
  await form.locator("output").scrollIntoViewIfNeeded();
  await page.screenshot({ path: ".wrangler/reports/docs-try.png" });
  const kept: unknown[] = await page.evaluate(
    "[localStorage.length, sessionStorage.length, document.cookie, document.documentElement.outerHTML, location.href]",
  );
  assert.deepEqual(kept.slice(0, 3), [0, 0, ""]);
  assert.ok(!kept.slice(3).join().includes(key), "the key stands nowhere but in the field's memory");
});

test("a reader finds an operation by its words, without a mouse", { skip: noBrowser }, async () => {
  const page = await pageFor(desk);
  await page.goto(`${instance.baseUrl}/docs`);
  await page.keyboard.press("/");
  await page.keyboard.type("cancel ORDER");
  const found = page.locator("nav .operations li:visible");
  assert.deepEqual(await found.allInnerTexts(), ["POST\ncancel"]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Orders" }).waitFor();
  assert.equal(new URL(page.url()).hash, "#orders.cancel");
  await page.keyboard.press("/");
  await page.keyboard.type("nothing like it");
  await page.getByText("No operation has all these words.").waitFor();
  await page.keyboard.press("Escape");
  assert.ok((await page.locator("nav li:visible").count()) > 10);
});

for (const [name, options] of Object.entries({ desk, night, phone })) {
  test(`the pages stand in nobody's way: ${name}`, { skip: noBrowser }, async () => {
    const page = await pageFor(options);
    for (const path of [
      "/docs",
      "/docs/customers",
      "/docs/problems",
      "/docs/protection",
      "/docs/system",
      "/security",
      "/mailbox",
    ]) {
      await page.goto(instance.baseUrl + path);
      const { width } = options.viewport;
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), width, `${path} is too wide`);
      assert.deepEqual(await barriersOn(page), [], path);
    }
  });

  test(`the pages look as they did: ${name}`, { skip: noBrowser }, async (t) => {
    if (!(await hasReferenceFonts(browser))) {
      assert.ok(!isCi, otherFonts);
      return t.skip(otherFonts);
    }
    const page = await pageFor(options);
    for (const path of [
      "docs",
      "docs/customers",
      "docs/problems",
      "docs/protection",
      "security",
      "mailbox",
    ]) {
      await page.goto(`${instance.baseUrl}/${path}`);
      const changed = await changeOf(page, `${path.replace("/", "-")}-${name}`);
      assert.ok(changed < mostChanged, `${(changed * 100).toFixed(1)} % of ${path}: ${howToAccept}`);
    }
  });
}

test("a page that loses its style does not pass for the same", { skip: noBrowser }, async () => {
  const page = await (await browser.newContext(desk)).newPage();
  await page.route("**/*.css", (route) => route.abort());
  await page.goto(`${instance.baseUrl}/docs`);
  assert.ok((await changeOf(page, "docs-desk", "unstyled")) > 2 * mostChanged);
});

const otherFonts =
  "this machine has other fonts than Debian's: apt-get install fonts-dejavu-core fonts-dejavu-extra";
const howToAccept = "look at .wrangler/reports; if it is meant, npm run screenshots, and commit them";

async function pageFor(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext(options);
  return watched(await context.newPage(), instance.baseUrl);
}
