import { expect, test } from "vitest";
import { registry } from "#resources/index.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { newTenant } from "#test/world.ts";
import { contractCheck } from "./validator.ts";

const faultsOf = contractCheck(registry);
const { call } = clientOf();

test("an answer as promised has no faults, and each way to break the promise is told", async () => {
  const { slug, key } = await newTenant();
  const url = `http://localhost:8787/v1/tenants/${slug}/settings`;
  const answer = await call("settings.get", { tenant: slug, as: key });
  const told = (changes: Partial<Answer>) => faultsOf("GET", url, { ...answer, ...changes }).join();
  expect(told({})).toBe("");
  expect(told({ status: 418 })).toMatch(/settings\.get answered 418, which its contract lacks/);
  expect(told({ json: { ...answer.json, secret: 1 } })).toMatch(/secret/);
  const { name: _, ...nameless } = answer.json;
  expect(told({ json: nameless })).toMatch(/name/);
  expect(told({ json: { ...answer.json, createdAt: "yesterday" } })).toMatch(/createdAt/);
  expect(told({ headers: without(answer, "ratelimit") })).toMatch(/lacks the header ratelimit/);
  expect(told({ headers: withHeader(answer, "X-Keyline-Secret", "1") })).toMatch(/x-keyline-secret is not/);
  expect(told({ headers: withHeader(answer, "RateLimit", "99") })).toMatch(/header ratelimit is 99/);
  expect(told({ headers: withHeader(answer, "Content-Type", "text/html") })).toMatch(/it is text\/html/);
});

test("a HEAD is held to what its GET promises, and what is no operation is refused as that", async () => {
  const { slug, key } = await newTenant();
  const url = `http://localhost:8787/v1/tenants/${slug}/settings`;
  const answer = await call("settings.get", { tenant: slug, as: key });
  const head = { ...answer, text: "", json: null };
  expect(faultsOf("HEAD", url, head)).toEqual([]);
  expect(faultsOf("HEAD", url, { ...head, headers: without(answer, "etag") }).join()).toMatch(
    /lacks .* etag/,
  );
  expect(faultsOf("GET", `${url}/none`, answer)).toEqual(["what is no operation answered 200"]);
});

test("a problem that an operation does not declare is a fault", async () => {
  const { slug, key } = await newTenant();
  const answer = await call("orders.get", { tenant: slug, as: key, params: { orderId: "none" } });
  const url = `http://localhost:8787/v1/tenants/${slug}/orders/none`;
  expect(faultsOf("GET", url, answer)).toEqual([]);
  const other = { ...answer, json: { ...answer.json, type: "/problems/customer-deleted" } };
  expect(faultsOf("GET", url, other).join()).toMatch(/type/);
});

test("the document that is served is the one that answers are held against", async () => {
  const [newer, older] = [await call("docs.openApi31"), await call("docs.openApi30")];
  expect(newer.json.openapi).toBe("3.1.1");
  expect(older.json.openapi).toBe("3.0.3");
  expect(Object.keys(older.json.paths)).toEqual(Object.keys(newer.json.paths));
  expect(newer.json.servers[0].url).toBe("http://localhost:8787");
  const again = await call("docs.openApi31", {
    headers: { "If-None-Match": newer.headers.get("etag") ?? "" },
  });
  expect([again.status, again.text]).toEqual([304, ""]);
});

test("pages that are not there are not found", async () => {
  for (const page of ["none", "constructor", "__proto__"])
    expect((await call("docs.page", { params: { page } })).status).toBe(404);
});

function without({ headers }: Answer, name: string): Headers {
  const changed = new Headers(headers);
  changed.delete(name);
  return changed;
}

function withHeader({ headers }: Answer, name: string, value: string): Headers {
  const changed = new Headers(headers);
  changed.set(name, value);
  return changed;
}
