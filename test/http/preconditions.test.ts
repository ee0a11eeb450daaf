import { expect, test } from "vitest";
import { clientOf } from "#test/client.ts";
import { as, newTenant } from "#test/world.ts";
import { eventsOf, inParallel, person } from "./kit.ts";

const { call } = clientOf();

test("If-Match has no meaning for a create", async () => {
  const tenant = await newTenant();
  const made = await call("customers.create", {
    ...as(tenant),
    body: person,
    headers: { "If-Match": '"1"' },
  });
  expect(made.status).toBe(201);
});

test("If-Match lets the version it names through and answers 412 to any other", async () => {
  const tenant = await newTenant();
  const params = { orderId: tenant.orderId };
  const patch = (etag: string, dueAt: string) =>
    call("orders.update", { ...as(tenant), params, body: { dueAt }, headers: { "If-Match": etag } });
  const read = await call("orders.get", { ...as(tenant), params });
  expect(read.headers.get("etag")).toBe('"1"');
  const first = await patch('"1"', "2027-01-01T00:00:00Z");
  expect([first.status, first.headers.get("etag")]).toEqual([200, '"2"']);
  for (const stale of ['"1"', '"3"', 'W/"2"', "2", '""']) {
    const answer = await patch(stale, "2027-02-02T00:00:00Z");
    expect([stale, answer.status, answer.json.type]).toEqual([stale, 412, "/problems/precondition-failed"]);
  }
  expect((await patch('"7", "2"', "2027-03-03T00:00:00Z")).status).toBe(200);
  expect((await patch("*", "2027-04-04T00:00:00Z")).status).toBe(200);
  const { json } = await call("orders.get", { ...as(tenant), params });
  expect(json).toMatchObject({ version: 4, dueAt: "2027-04-04T00:00:00.000Z" });
});

test("of 10 parallel changes that name the present version one succeeds and nine are told 412", async () => {
  const tenant = await newTenant();
  const answers = await inParallel(10, (index) =>
    call("customers.update", {
      ...as(tenant),
      params: { customerId: tenant.customerIds[0] ?? "" },
      body: { note: `by ${index}` },
      headers: { "If-Match": '"1"' },
    }),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
});

test("If-Match holds for what is as wished already, by its present version", async () => {
  const tenant = await newTenant();
  const params = { customerId: tenant.customerIds[0] ?? "" };
  const restore = (etag: string) =>
    call("customers.restore", { ...as(tenant), params, headers: { "If-Match": etag } });
  expect((await restore('"1"')).status).toBe(200);
  expect((await restore("*")).status).toBe(200);
  expect((await restore('"2"')).status).toBe(412);
});

test("If-None-Match spares the body of what the client holds", async () => {
  const tenant = await newTenant();
  const get = (held: string) =>
    call("orders.get", {
      ...as(tenant),
      params: { orderId: tenant.orderId },
      headers: { "If-None-Match": held },
    });
  for (const held of ['"1"', 'W/"1"', '"0", "1"', "*"]) {
    const answer = await get(held);
    expect([held, answer.status, answer.text, answer.headers.get("etag")]).toEqual([held, 304, "", '"1"']);
  }
  const changed = await get('"0"');
  expect([changed.status, changed.json.id]).toEqual([200, tenant.orderId]);
});

test("20 parallel changes without If-Match succeed or conflict, and the version counts the successes", async () => {
  const tenant = await newTenant();
  const params = { customerId: tenant.customerIds[0] ?? "" };
  const answers = await inParallel(20, (index) =>
    call("customers.update", { ...as(tenant), params, body: { note: `by ${index}` } }),
  );
  const won = answers.filter(({ status }) => status === 200);
  const lost = answers.filter(({ status, json }) => status === 409 && json.type === "/problems/conflict");
  expect(won.length + lost.length).toBe(20);
  expect(won.length).toBeGreaterThan(0);
  expect(won.map(({ json }) => json.version).sort((a, b) => a - b)).toEqual(won.map((_, index) => index + 2));
  const { json } = await call("customers.get", { ...as(tenant), params });
  expect(json.version).toBe(1 + won.length);
  expect(won.find(({ json: { version } }) => version === json.version)?.json.note).toBe(json.note);
  expect(await eventsOf(tenant, "customer.updated")).toHaveLength(won.length);
});
