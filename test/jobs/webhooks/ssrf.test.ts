import { afterEach, expect, test, vi } from "vitest";
import { systemSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { beginTurn } from "#db/webhooks/queue.ts";
import { serveEndpoint } from "#jobs/deliver-webhooks.ts";
import { dispatchEvents } from "#jobs/dispatch-events.ts";
import { tryDeliveries } from "#jobs/try-deliveries.ts";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { post } from "#platform/receivers.ts";
import { webhookEndpoints } from "#resources/webhook-endpoints/table.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { astray, spellings } from "#test/url-spellings.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

// Nothing stands in for the network here: what is let through leaves the Worker, and test/outbound.ts connects to
// wherever it was meant to go. A listener on this machine counts who arrives.

const { call } = clientOf();
const port = String(testEnv().LOOPBACK_PORT);
const led = Object.entries(astray).flatMap(([fault, names]) =>
  names.map((name): [string, string] => [fault, `https://${name}.dns.example:${port}/`]),
);
const spelt = Object.entries(spellings).flatMap(([fault, texts]) =>
  texts.map((text): [string, string] => [fault, text.replaceAll("{port}", port)]),
);
const forbidden = [...spelt, ...led];

afterEach(async () => {
  expect(await connections(), "connections to a listener on this machine").toBe(0);
});

test("the table has at least 300 spellings, and as many as 100 name this machine's listener", () => {
  expect(new Set(forbidden.map(([, url]) => url)).size).toBe(forbidden.length);
  expect(forbidden.length).toBeGreaterThanOrEqual(300);
  expect(forbidden.filter(([, url]) => url.includes(`:${port}`)).length).toBeGreaterThanOrEqual(100);
});

test("no spelling is taken for an endpoint", async () => {
  const tenant = await newTenant();
  for (const [, url] of forbidden) {
    const body = { url, eventTypes: ["order.placed"] };
    const { status, json } = await call("webhook-endpoints.create", { ...as(tenant), body });
    expect([url, status, json.errors?.[0]?.pointer]).toEqual([url, 422, "/url"]);
  }
  expect(
    await rowsOf(
      tenant.cell.database,
      "select id from webhook_endpoints where tenant_id = ? and state = 'enabled'",
      tenant.tenantId,
    ),
  ).toEqual([]);
});

test("where one stands in the row all the same, nothing is sent, and the try says why", async () => {
  const tenant = await newTenant();
  const { id } = await endpointOf(tenant, "https://shop.example/");
  await call("webhook-endpoints.test", { ...as(tenant), params: { webhookEndpointId: id } });
  await dispatchEvents(testEnv(), tenant.cell, tenant.tenantId, Date.now());
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const now = Date.now();
  const lease = { id: newId("lea"), endpointId: id, untilMs: now + minuteMs };
  const turn = await beginTurn(session, lease, one(webhookEndpoints, id), now);
  if (!turn?.endpoint) throw new Error("The endpoint's turn did not begin.");
  const outcomes: [string | undefined, string][] = [];
  for (const [, url] of forbidden) {
    const endpoint = { ...turn.endpoint, url };
    const page = await tryDeliveries(
      testEnv(),
      tenant.cell.database,
      session.keys,
      endpoint,
      turn.due,
      now + minuteMs,
    );
    outcomes.push([page.tried[0]?.outcome, url]);
  }
  expect(outcomes).toEqual(forbidden);
});

test("no redirect is followed, wherever it leads", async () => {
  const targets = forbidden.map(([, url]) => url).filter((url) => /^[\x21-\x7e]+$/.test(url));
  expect(targets.length).toBeGreaterThanOrEqual(300);
  for (const target of targets) {
    const from = `https://shop.example/redirect?to=${encodeURIComponent(target)}`;
    expect([target, (await post(from, {}, "{}")).outcome]).toEqual([target, "redirected"]);
  }
});

test("a name that was public when it was set, and no longer is, is not connected to", async () => {
  const tenant = await newTenant();
  const endpoint = await endpointOf(tenant, `https://rebinding1.dns.example:${port}/`);
  expect(await outcomeOfTest(tenant, endpoint.id)).toBe("resolves-privately");
});

test("a name that changes between two tries of one turn is found out before the second", async () => {
  const tenant = await newTenant();
  const endpoint = await endpointOf(tenant, "https://shop.example/");
  let lookUps = 0;
  const posted: string[] = [];
  const real = globalThis.fetch;
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(new Request(input, init).url);
    if (url.pathname !== "/dns-query") posted.push(url.href);
    if (url.searchParams.get("type") === "A") lookUps += 1;
    if (lookUps > 3) return Response.json({ Status: 0, Answer: [{ type: 1, data: "127.0.0.1" }] });
    return await real(input, init);
  });
  const params = { webhookEndpointId: endpoint.id };
  for (let asked = 0; asked < 8; asked += 1) await call("webhook-endpoints.test", { ...as(tenant), params });
  await dispatchEvents(testEnv(), tenant.cell, tenant.tenantId, Date.now());
  await serveEndpoint(testEnv(), tenant.cell, tenant.tenantId, endpoint.id);
  vi.unstubAllGlobals();
  const { data } = (await call("webhook-endpoints.deliveries", { ...as(tenant), params })).json;
  const outcomes = data.map(({ outcome }: { outcome: string }) => outcome).toSorted();
  expect(outcomes).toEqual([...Array(3).fill("accepted"), ...Array(5).fill("resolves-privately")]);
  expect(posted).toHaveLength(3);
});

// Last, as it makes the count that the others must find at nothing.
test("the listener would have counted: whoever is let through arrives", async () => {
  await fetch(`http://127.0.0.1:${port}/`);
  await fetch(`http://localhost:${port}/`);
  expect(await connections()).toBe(2);
  for (const name of leadingHere) await fetch(`https://${name}.dns.example:${port}/`);
  baseline = 2 + leadingHere.length;
});

let baseline = 0;

/** The names that end at this machine: in each family, spelling and company, and the one that does so later. */
const leadingHere = [
  ...["a-127-0-0-1-end", "a-127-255-255-254-end", "a-0-0-0-0-end", "a-0177-0-0-1-end", "a-127-1-end"],
  ...["aaaa---1-end", "aaaa----end", "aaaa---ffff-7f00-1-end", "mixed", "mixed-families", "private-alias"],
  "rebinding2",
];

async function connections(): Promise<number> {
  const answer = await fetch("https://outside.test/");
  return (await answer.json<{ connections: number }>()).connections - baseline;
}

async function endpointOf(tenant: TestTenant, url: string): Promise<{ id: string }> {
  const body = { url, eventTypes: ["order.placed"] };
  const { status, text, json } = await call("webhook-endpoints.create", { ...as(tenant), body });
  expect(status, text).toBe(201);
  return json;
}

/** How the first try of a test event ends. */
async function outcomeOfTest(tenant: TestTenant, id: string): Promise<string> {
  const params = { webhookEndpointId: id };
  await call("webhook-endpoints.test", { ...as(tenant), params });
  await dispatchEvents(testEnv(), tenant.cell, tenant.tenantId, Date.now());
  await serveEndpoint(testEnv(), tenant.cell, tenant.tenantId, id);
  const query = { limit: "1" };
  const { data } = (await call("webhook-endpoints.deliveries", { ...as(tenant), params, query })).json;
  return data[0].outcome;
}
