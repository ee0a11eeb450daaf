import { afterEach, expect, test, vi } from "vitest";
import { oldSecretsOf, tellOldSecrets } from "#jobs/tell-old-secrets.ts";
import { dayMs, hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { tamper } from "#test/tampering.ts";
import { as, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";
import { changed, eventsOf, listening, taken } from "./kit.ts";

// A webhook's secret is its receiver's too: its tenant is told when it is a year old, and nobody else changes it.

const { call } = clientOf();
const type = "webhook_endpoint.secret_rotation_due";
const year = 365 * dayMs;

afterEach(() => void vi.useRealTimers());

test("a secret that is a year old is told once, however many runners see it, and its successor a year later", async () => {
  const { tenant, start, params } = await withEndpoint();
  await tellAt(tenant, start + year - 1);
  expect(await told(tenant)).toEqual([]);
  await Promise.all([1, 2, 3].map((ms) => tellAt(tenant, start + year + ms)));
  await tellAt(tenant, start + year + dayMs);
  expect(await told(tenant)).toEqual([{ ...params, secretVersion: 1 }]);

  const rotatedAt = start + year + 2 * dayMs;
  vi.setSystemTime(rotatedAt);
  const rotated = await call("webhook-endpoints.rotate", { ...as(tenant), params, body: {} });
  expect(rotated.status, rotated.text).toBe(200);
  await tellAt(tenant, rotatedAt + year - 1);
  expect(await told(tenant)).toHaveLength(1);
  await Promise.all([0, 1, 2].map((ms) => tellAt(tenant, rotatedAt + year + ms)));
  await tellAt(tenant, rotatedAt + 3 * year);
  expect(await told(tenant)).toEqual([1, 2].map((secretVersion) => ({ ...params, secretVersion })));
});

test("it is told with an audit row of the system's, and the secret stays what it was", async () => {
  const { tenant, start, params } = await withEndpoint();
  const secretOf = async () => {
    const [row] = await rowsOf(
      tenant.cell.database,
      "select secret, previous_secret, secret_version, secret_created_at from webhook_endpoints where id = ?",
      params.webhookEndpointId,
    );
    return row;
  };
  const before = await secretOf();
  await tellAt(tenant, start + year);
  expect(await secretOf()).toEqual(before);
  const audit = await rowsOf(
    tenant.cell.database,
    "select operation, action, actor_kind, changed from audit_log where tenant_id = ? and entity_id = ? order by seq",
    tenant.tenantId,
    params.webhookEndpointId,
  );
  expect(audit.slice(1)).toEqual([
    {
      operation: "jobs.webhooks",
      action: "updated",
      actor_kind: "system",
      changed: JSON.stringify(["secretToldVersion"]),
    },
  ]);
});

/** Where in one runner's work somebody else comes in between. */
const found = /webhook_endpoints_to_tell/;
const read = /from "webhook_endpoints"/;

test.each([
  ["found the endpoint", found],
  ["read the endpoint", read],
])("a runner that another overtakes once it has %s tells nothing more", async (_when, step) => {
  const { tenant, start } = await withEndpoint();
  await tellWith(tenant, start + year + 1, step, () => tellAt(tenant, start + year));
  expect(await told(tenant)).toHaveLength(1);
});

test.each([
  ["found the endpoint", found],
  ["read the endpoint", read],
])("of a secret that is rotated once a runner has %s nothing is told", async (_when, step) => {
  const { tenant, start, params } = await withEndpoint();
  vi.setSystemTime(start + year);
  await tellWith(tenant, start + year, step, async () => {
    const { status } = await call("webhook-endpoints.rotate", { ...as(tenant), params, body: {} });
    expect(status).toBe(200);
  });
  expect(await told(tenant)).toEqual([]);
});

test("whoever asked for it is sent the endpoint, its secret's age and version, and no secret", async () => {
  const { sim, tenant, endpoint } = await listening([type], taken);
  const created = Date.now();
  await sim.run(year + hourMs);
  await tellOldSecrets(sim.env, tenant.cell, Date.now());
  await sim.run(2 * minuteMs);
  const [delivered, ...others] = sim.delivered;
  expect(others).toEqual([]);
  const { type: sent, data } = JSON.parse(delivered?.body ?? "");
  expect(sent).toBe(type);
  expect(data).toMatchObject({
    id: endpoint.id,
    secretVersion: 1,
    secretCreatedAt: expect.stringMatching(/Z$/),
  });
  expect(Math.abs(Date.parse(data.secretCreatedAt) - created)).toBeLessThan(minuteMs);
  expect(delivered?.body).not.toContain(endpoint.secret);
  expect(data).not.toHaveProperty("secret");
});

test("an endpoint that is disabled, and one of a frozen tenant, is told of once it signs again", async () => {
  const { tenant, start, params } = await withEndpoint();
  const frozen = await withEndpoint();
  const asked = { ...as(tenant), params };
  await call("webhook-endpoints.disable", asked);
  await setState(frozen.tenant, "frozen");
  await tellAt(tenant, start + year + dayMs);
  for (const each of [tenant, frozen.tenant]) expect(await told(each)).toEqual([]);
  await call("webhook-endpoints.enable", asked);
  await setState(frozen.tenant, "active");
  await tellAt(tenant, start + year + dayMs);
  for (const each of [tenant, frozen.tenant]) expect(await told(each)).toHaveLength(1);
});

test("an endpoint of before its secret's age was kept is as old as itself", async () => {
  const { tenant, start, params } = await withEndpoint();
  const id = params.webhookEndpointId;
  await changed(tenant.cell.database, "webhook_endpoints set secret_created_at = null", tenant.tenantId, id);
  const { json } = await call("webhook-endpoints.get", { ...as(tenant), params });
  expect(json).toMatchObject({ secretCreatedAt: timestamp(start), secretVersion: 1 });
  await tellAt(tenant, start + year - 1);
  expect(await told(tenant)).toEqual([]);
  await tellAt(tenant, start + year);
  expect(await told(tenant)).toHaveLength(1);
});

test("a secret that does not open is noted, and keeps nobody else from being told", async () => {
  const broken = await withEndpoint();
  const { tenant, start } = await withEndpoint();
  const { cell, tenantId } = broken.tenant;
  await tamper(cell.database, "webhook_endpoints", "secret", tenantId, broken.params.webhookEndpointId);
  const printed = vi.spyOn(console, "error").mockReturnValue();
  await tellAt(tenant, start + year);
  const failed = printed.mock.calls.map(([line]) => JSON.parse(String(line)).endpoint);
  printed.mockRestore();
  expect(failed).toContain(broken.params.webhookEndpointId);
  expect(await eventsOf(broken.tenant, "vault.open_failed")).toHaveLength(1);
  expect(await told(broken.tenant)).toEqual([]);
  expect(await told(tenant)).toHaveLength(1);
});

test("what is a year old and signs is counted in every cell, told or not", async () => {
  const us = await withEndpoint();
  const eu = await withEndpoint("cafe");
  expect(eu.tenant.cell.id).not.toBe(us.tenant.cell.id);
  const due = Math.max(us.start, eu.start) + year;
  const before = await oldSecretsOf(testEnv(), Math.min(us.start, eu.start) + year - 1);
  expect(await oldSecretsOf(testEnv(), due)).toBe(before + 2);
  await tellAt(us.tenant, due);
  expect(await oldSecretsOf(testEnv(), due)).toBe(before + 2);
  const { params } = us;
  vi.setSystemTime(due);
  await call("webhook-endpoints.rotate", { ...as(us.tenant), params, body: {} });
  await call("webhook-endpoints.disable", { ...as(eu.tenant), params: eu.params });
  expect(await oldSecretsOf(testEnv(), due)).toBe(before);
});

let era = Date.now();

/** A tenant with an endpoint of now, at a time of its own: what earlier tests left was told of before. */
async function withEndpoint(...kind: Parameters<typeof newTenant>) {
  era += minuteMs;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(era);
  const tenant = await newTenant(...kind);
  const body = { url: "https://shop.example/hooks", eventTypes: ["order.placed"] };
  const created = await call("webhook-endpoints.create", { ...as(tenant), body });
  expect(created.status, created.text).toBe(201);
  return { tenant, start: era, params: { webhookEndpointId: String(created.json.id) } };
}

function tellAt({ cell }: TestTenant, now: number): Promise<void> {
  return tellOldSecrets(testEnv(), cell, now);
}

/** The same, with something done between two of its steps. */
async function tellWith(
  { cell }: TestTenant,
  now: number,
  step: RegExp,
  between: () => Promise<void>,
): Promise<void> {
  let times = 0;
  const database = tapped(cell.database, async (texts, run) => {
    const results = await run();
    if (times === 0 && texts.some((text) => step.test(text))) {
      times += 1;
      await between();
    }
    return results;
  });
  await tellOldSecrets(testEnv(), { ...cell, database }, now);
  expect(times).toBe(1);
}

async function told(tenant: TestTenant): Promise<unknown[]> {
  const seqs = (await eventsOf(tenant, type)).map(({ seq }) => seq);
  const rows = await rowsOf(
    tenant.cell.database,
    "select data from events where tenant_id = ? and seq in (select value from json_each(?)) order by seq",
    tenant.tenantId,
    JSON.stringify(seqs),
  );
  return rows.map(({ data }) => JSON.parse(String(data)));
}

function setState({ cell, tenantId }: TestTenant, state: string) {
  return rowsOf(
    cell.database,
    "update tenant_state set state = ?, epoch = epoch + 1 where tenant_id = ?",
    state,
    tenantId,
  );
}
