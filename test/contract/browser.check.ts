import assert from "node:assert/strict";
import type { Server } from "node:http";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { createClient, each } from "#client/client.ts";
import { KeylineProblem } from "#client/problem.ts";
import { noBrowser, openBrowser, servePage } from "./browser.ts";
import { heldFetch } from "./held-fetch.ts";
import { freePort, type Instance, startInstance } from "./instance.ts";

// The contract as people and programs meet it: a local deployment, a real browser, and pages of two other origins.

let listed: string;
let unlisted: string;
let instance: Instance;
let browser: Browser;
let servers: Server[];

before(async () => {
  instance = await startInstance();
  const ports = [await freePort(), await freePort()] as const;
  servers = await Promise.all(ports.map(servePage));
  [listed, unlisted] = [`http://localhost:${ports[0]}`, `http://localhost:${ports[1]}`];
  if (!noBrowser) browser = await openBrowser();
  const { slug, key } = tenant();
  await createClient({ baseUrl: instance.baseUrl, tenant: slug, key, fetch: heldFetch }).settings.update({
    body: { allowedOrigins: [listed] },
  });
});

after(async () => {
  await browser?.close();
  for (const server of servers ?? []) server.close();
  await instance?.stop();
});

test("the client reads its own writes, repeats safely and tells problems by name", async () => {
  const { slug, key } = tenant();
  const rates: (string | null)[] = [];
  const keyline = createClient({
    baseUrl: instance.baseUrl,
    tenant: slug,
    key: async () => key,
    fetch: heldFetch,
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
  const answer = await heldFetch(`${instance.baseUrl}/v1/tenants/${tenant().slug}/orders`, {
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

test("a page of a listed origin uses no key that is held to another", { skip: noBrowser }, async () => {
  const { slug, key } = tenant();
  const { apiKeys } = createClient({ baseUrl: instance.baseUrl, tenant: slug, key, fetch: heldFetch });
  const origins = [listed, "https://elsewhere.example"];
  const keys = await Promise.all(
    origins.map((origin) =>
      apiKeys.create({ body: { name: origin, scopes: ["customers:read"], allowedOrigins: [origin] } }),
    ),
  );
  const page = await browser.newPage();
  await page.goto(listed);
  const outcomes = await page.evaluate(
    async ({ baseUrl, slug, keys }) =>
      await Promise.all(
        keys.map(({ key }) =>
          fetch(`${baseUrl}/v1/tenants/${slug}/customers`, {
            headers: { Authorization: `Bearer ${key}` },
          }).then(
            ({ status }) => status,
            (error: Error) => error.name,
          ),
        ),
      ),
    { ...caller(), keys },
  );
  assert.deepEqual(outcomes, [200, "TypeError"]);
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

test("whoever found a hole is told whom to tell and what to expect", async () => {
  const answer = await heldFetch(`${instance.baseUrl}/.well-known/security.txt`);
  const text = await answer.text();
  assert.equal(answer.headers.get("Content-Type"), "text/plain; charset=utf-8");
  assert.match(text, /^Contact: mailto:security@example\.com$/m);
  const [, expires = ""] = /^Expires: (.+)$/m.exec(text) ?? [];
  const days = (Date.parse(expires) - Date.now()) / 86_400_000;
  assert.ok(days > 30 && days < 365, `expires in ${days} days`);
  const [, policy = ""] = /^Policy: (.+)$/m.exec(text) ?? [];
  assert.match(await (await heldFetch(policy)).text(), /within 24 hours/);
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
