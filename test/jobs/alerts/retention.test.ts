import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { forgetRows } from "#jobs/forget-rows.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { rowsOf, type TestTenant } from "#test/world.ts";
import { alertsOf, happens, newWatched, sweep, wake } from "./kit.ts";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const setState = ({ cell, tenantId }: TestTenant, state: string) =>
  rowsOf(cell.database, "update tenant_state set state = ? where tenant_id = ?", state, tenantId);

const noticesOf = ({ cell, tenantId }: TestTenant) =>
  rowsOf<{ alert_id: string }>(
    cell.database,
    "select alert_id from alert_notices where tenant_id = ? order by id",
    tenantId,
  );

test("what was told of is forgotten 400 days after, and what was not waits for that", async () => {
  const tenant = await newWatched();
  const factorRemoved = () =>
    happens(tenant, { entity: "member", entityId: newId("mbr"), action: "mfa.removed" });
  await factorRemoved();
  await wake(tenant);
  await factorRemoved();
  await wake(tenant);
  const [told, heldBack] = await alertsOf(tenant);
  expect([told?.told, heldBack?.told]).toEqual([1, 0]);
  const forgotten = async () => {
    await forgetRows(tenant.cell, Date.now());
    const left = new Set((await alertsOf(tenant)).map(({ id }) => id));
    const notices = (await noticesOf(tenant)).filter(({ alert_id: id }) => id === told?.id);
    return [!left.has(told?.id ?? ""), !left.has(heldBack?.id ?? ""), notices.length];
  };
  vi.setSystemTime(Date.now() + 400 * dayMs - minuteMs);
  expect(await forgotten()).toEqual([false, false, 1]);
  vi.setSystemTime(Date.now() + 2 * minuteMs);
  // Its notice goes first, as that points at it.
  expect(await forgotten()).toEqual([false, false, 0]);
  expect(await forgotten()).toEqual([true, false, 0]);
  await sweep(tenant);
  expect((await alertsOf(tenant)).map(({ id, told: times }) => [id, times])).toEqual([[heldBack?.id, 1]]);
});

test("a business that is frozen is told as any other, and nobody is woken for one that is taken down", async () => {
  const tenant = await newWatched();
  const factorRemoved = () =>
    happens(tenant, { entity: "member", entityId: newId("mbr"), action: "mfa.removed" });
  await factorRemoved();
  await setState(tenant, "closing");
  expect(await sweep(tenant)).toBe(false);
  await setState(tenant, "frozen");
  expect(await sweep(tenant)).toBe(true);
  expect((await alertsOf(tenant)).map(({ told }) => told)).toEqual([1]);
});
