import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { happens, newWatched, type Watched, wake } from "#test/jobs/alerts/kit.ts";
import { as, memberToken, newTenant } from "#test/world.ts";

const { call } = clientOf();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

async function found(tenant: Watched, action: string, entityId: string): Promise<void> {
  await happens(tenant, { entity: "detection", entityId, action });
  await wake(tenant);
}

const list = async (tenant: Watched, query: Record<string, string> = {}) =>
  (await call("alerts.list", { ...as(tenant), query })).json;

test("alerts are listed with how often each happened and of how many was told, page by page and by kind", async () => {
  const tenant = await newWatched();
  const subject = newId("key");
  for (const kind of ["dormant-key", "impossible-travel"]) {
    await found(tenant, kind, subject);
    vi.setSystemTime(Date.now() + minuteMs);
  }
  await found(tenant, "impossible-travel", subject);
  const { data } = await list(tenant);
  const shown = data.map(({ kind, severity, subjectId, count, told }: Record<string, unknown>) => [
    kind,
    severity,
    subjectId,
    count,
    told,
  ]);
  expect(shown.slice(0, 2)).toEqual([
    ["impossible-travel", "critical", subject, 2, 1],
    ["dormant-key", "warning", subject, 1, 1],
  ]);
  const first = await list(tenant, { limit: "1" });
  const second = await list(tenant, { limit: "1", cursor: first.nextCursor });
  expect([...first.data, ...second.data]).toEqual(data.slice(0, 2));
  expect((await list(tenant, { kind: "dormant-key" })).data).toEqual([data[1]]);
  // When the next one is due is nobody's business.
  expect(Object.keys(data[0])).not.toContain("tellAt");
});

test("who has seen to an alert is kept, once, and what happens after it is another one", async () => {
  const tenant = await newWatched();
  const subject = newId("key");
  await found(tenant, "new-country", subject);
  const [alert] = (await list(tenant)).data;
  const params = { alertId: alert.id };
  const at = timestamp(Date.now());
  const seen = await call("alerts.acknowledge", { ...as(tenant), params });
  expect(seen.status).toBe(200);
  expect(seen.json).toMatchObject({ acknowledgedAt: at, acknowledgerId: tenant.keyId, count: 1 });
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await call("alerts.acknowledge", { ...as(tenant), params })).json).toEqual(seen.json);
  await found(tenant, "new-country", subject);
  const { data } = await list(tenant, { kind: "new-country" });
  expect(
    data.slice(0, 2).map(({ count, acknowledgedAt }: Record<string, unknown>) => [count, acknowledgedAt]),
  ).toEqual([
    [1, null],
    [1, at],
  ]);
});

test("whoever may not read security sees no alert, and nobody another business's", async () => {
  const tenant = await newWatched();
  await found(tenant, "new-country", newId("key"));
  const [alert] = (await list(tenant)).data;
  const params = { alertId: alert.id };
  const staff = { tenant: tenant.slug, as: await memberToken(tenant, "staff") };
  expect((await call("alerts.list", staff)).status).toBe(403);
  expect((await call("alerts.get", { ...staff, params })).status).toBe(403);
  const other = await newTenant();
  expect((await call("alerts.get", { ...as(other), params })).status).toBe(404);
  expect((await call("alerts.get", { ...as(tenant), params })).json).toEqual(alert);
});
