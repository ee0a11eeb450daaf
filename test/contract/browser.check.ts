import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { createClient, each } from "#client/client.ts";
import { KeylineProblem } from "#client/problem.ts";
import { noBrowser, openBrowser, servePage } from "./browser.ts";
import { document } from "./generated.ts";
import { type Instance, startInstance } from "./instance.ts";

// The contract as people and programs meet it: a local deployment, a real browser, and pages of two other origins.

const listed = "http://localhost:18792";
const unlisted = "http://localhost:18793";
const reports = ".wrangler/reports";
let instance: Instance;
let browser: Browser;
let servers: Server[];

before(async () => {
  mkdirSync(reports, { recursive: true });
  instance = await startInstance(18791);
  servers = await Promise.all([servePage(18792), servePage(18793)]);
  if (!noBrowser) browser = await openBrowser();
  const { slug, key } = tenant();
  await createClient({ baseUrl: instance.baseUrl, tenant: slug, key }).settings.update({
    body: { allowedOrigins: [listed] },
  });
});

after(async () => {
  await browser?.close();
  for (const server of servers) server.close();
  await instance.stop();
});

test("the client reads its own writes, repeats safely and tells problems by name", async () => {
  const { slug, key } = tenant();
  const rates: (string | null)[] = [];
  const keyline = createClient({
    baseUrl: instance.baseUrl,
    tenant: slug,
    key: async () => key,
    onAnswer: (_operation, { headers }) => rates.push(headers.get("RateLimit")),
  });
  const input = { body: { name: "Ada Lovelace", email: "ada@example.com" }, idempotencyKey: "first" };
  const customer = await keyline.customers.create(input);
  assert.deepEqual(await keyline.customers.create(input), customer);
  assert.deepEqual(await keyline.customers.get({ params: { customerId: customer.id } }), customer);
  const found: string[] = [];
  for await (const { id } of each(keyline.customers.list, { limit: 2 })) found.push(id);
  assert.equal(found.filter((id) => id === customer.id).length, 1);
  assert.ok(found.length > 2, "more than one page");
  const params = { customerId: customer.id };
  await assert.rejects(
    keyline.customers.update({ params, body: { note: "Calls ahead." }, ifMatch: '"7"' }),
    (error) =>
      error instanceof KeylineProblem && error.problem === "precondition-failed" && error.status === 412,
  );
  await assert.rejects(
    keyline.customers.create({ body: { name: "Bob", email: "nowhere" } }),
    (error) => error instanceof KeylineProblem && error.errors[0]?.pointer === "/email",
  );
  assert.ok(rates.length >= 6 && rates.every((rate) => /^"\w+";r=\d+;t=\d+$/.test(rate ?? "")));
});

test("a preflight is answered before anybody has said who they are", async () => {
  const answer = await fetch(`${instance.baseUrl}/v1/tenants/${tenant().slug}/orders`, {
    method: "OPTIONS",
    headers: { Origin: unlisted, "Access-Control-Request-Method": "POST" },
  });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("Access-Control-Allow-Origin"), unlisted);
  assert.match(answer.headers.get("Access-Control-Allow-Headers") ?? "", /Authorization.*Idempotency-Key/);
});

test("a page of a listed origin works with the client", { skip: noBrowser }, async () => {
  const page = await browser.newPage();
  await page.goto(listed);
  const seen = await page.evaluate(async ({ baseUrl, slug, key }) => {
    const ofThePage = "/client.ts";
    const { createClient } = await import(ofThePage);
    const shown: Record<string, string | null> = {};
    const keyline = createClient({
      baseUrl,
      tenant: slug,
      key,
      onAnswer: (_: string, { headers }: Response) => {
        for (const name of ["X-Keyline-Bookmark", "RateLimit", "RateLimit-Policy", "X-Request-Id", "ETag"])
          shown[name] = headers.get(name);
      },
    });
    const customer = await keyline.customers.create({ body: { name: "Grace Hopper" } });
    const again = await keyline.customers.get({ params: { customerId: customer.id } });
    const refused = await keyline.customers
      .get({ params: { customerId: "cus_none" } })
      .catch((error: { problem: string }) => error.problem);
    return { isSame: JSON.stringify(again) === JSON.stringify(customer), shown, refused };
  }, caller());
  assert.equal(seen.isSame, true);
  assert.equal(seen.refused, "not-found");
  for (const name of ["RateLimit", "RateLimit-Policy", "X-Request-Id"])
    assert.ok(seen.shown[name], `${name} is readable`);
});

test("a page reads the bookmark and the tag of an answer", { skip: noBrowser }, async () => {
  const page = await browser.newPage();
  await page.goto(listed);
  const headers = await page.evaluate(async ({ baseUrl, slug, key }) => {
    const answer = await fetch(`${baseUrl}/v1/tenants/${slug}/settings`, {
      headers: { Authorization: `Bearer ${key}` },
    });
    return [...answer.headers.keys()];
  }, caller());
  for (const name of ["x-keyline-bookmark", "x-keyline-cell", "etag", "ratelimit", "x-request-id"])
    assert.ok(headers.includes(name), `${name} is exposed, of ${headers}`);
});

test("a page of an origin that is not listed reads nothing", { skip: noBrowser }, async () => {
  const page = await browser.newPage();
  await page.goto(unlisted);
  const outcome = await page.evaluate(
    ({ baseUrl, slug, key }) =>
      fetch(`${baseUrl}/v1/tenants/${slug}/customers`, { headers: { Authorization: `Bearer ${key}` } }).then(
        ({ status }) => status,
        (error: Error) => error.name,
      ),
    caller(),
  );
  assert.equal(outcome, "TypeError");
});

test("the pages of the contract name every operation, and load nothing from elsewhere", {
  skip: noBrowser,
}, async () => {
  const page = await watched(await browser.newPage({ viewport: { width: 1440, height: 1000 } }));
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

test("a reader goes from the guide to an operation and tries it with their key", {
  skip: noBrowser,
}, async () => {
  const page = await watched(await browser.newPage({ viewport: { width: 1440, height: 1000 } }));
  const { slug, key } = tenant();
  await page.goto(`${instance.baseUrl}/docs`);
  await page.screenshot({ path: `${reports}/docs-guide.png` });
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
  await page.screenshot({ path: `${reports}/docs-try.png` });
  const kept: unknown[] = await page.evaluate(
    "[localStorage.length, sessionStorage.length, document.cookie, document.documentElement.outerHTML, location.href]",
  );
  assert.deepEqual(kept.slice(0, 3), [0, 0, ""]);
  assert.ok(!kept.slice(3).join().includes(key), "the key stands nowhere but in the field's memory");
});

test("the pages fit a phone and the dark", { skip: noBrowser }, async () => {
  const options = { viewport: { width: 390, height: 844 }, isMobile: true, colorScheme: "dark" as const };
  const page = await watched(await browser.newPage(options));
  for (const path of ["/docs", "/docs/orders", "/docs/problems", "/security"]) {
    await page.goto(instance.baseUrl + path);
    assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390, path);
  }
  await page.goto(`${instance.baseUrl}/docs/orders`);
  await page.screenshot({ path: `${reports}/docs-phone.png` });
});

test("whoever found a hole is told whom to tell and what to expect", async () => {
  const answer = await fetch(`${instance.baseUrl}/.well-known/security.txt`);
  const text = await answer.text();
  assert.equal(answer.headers.get("Content-Type"), "text/plain; charset=utf-8");
  assert.match(text, /^Contact: mailto:security@example\.com$/m);
  const [, expires = ""] = /^Expires: (.+)$/m.exec(text) ?? [];
  const days = (Date.parse(expires) - Date.now()) / 86_400_000;
  assert.ok(days > 30 && days < 365, `expires in ${days} days`);
  const [, policy = ""] = /^Policy: (.+)$/m.exec(text) ?? [];
  assert.match(await (await fetch(policy)).text(), /within 24 hours/);
});

test("a listed page reads that it asks too often, and when to come back; of a bad key's refusal it reads nothing", {
  skip: noBrowser,
}, async () => {
  const page = await browser.newPage();
  await page.goto(listed);
  const seen = await page.evaluate(async ({ baseUrl, slug, key }) => {
    const ask = (bearer: string) =>
      fetch(`${baseUrl}/v1/tenants/${slug}/ping`, { headers: { Authorization: `Bearer ${bearer}` } });
    const unread = await ask("kl_live_nothing").then(
      ({ status }) => status,
      (error: Error) => error.name,
    );
    for (let asked = 0; asked < 400; asked += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(key)));
      const limited = answers.find((answer) => answer.status === 429);
      if (limited) return { unread, retryAfter: Number(limited.headers.get("Retry-After")) };
    }
    return { unread, retryAfter: null };
  }, caller());
  assert.equal(seen.unread, "TypeError");
  assert.ok(seen.retryAfter !== null && seen.retryAfter >= 1, "429 with Retry-After");
});

function tenant(): { slug: string; key: string } {
  const found = instance.tenants[0];
  if (!found) throw new Error("The demo has no tenant.");
  return { slug: found.slug, key: found.apiKey };
}

function caller() {
  return { baseUrl: instance.baseUrl, ...tenant() };
}

/** A page on which nothing may be said on the console, thrown, or asked of another origin. */
async function watched(page: Page): Promise<Page> {
  const fail = (what: string) => {
    throw new Error(what);
  };
  page.on("console", (message) => fail(`console: ${message.text()}`));
  page.on("pageerror", (error) => fail(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== instance.baseUrl) fail(`it asked ${url.origin}`);
  });
  return page;
}
