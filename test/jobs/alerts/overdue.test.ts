import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { tellOfKeys } from "#jobs/tell-of-keys.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { as } from "#test/world.ts";
import { alertsOf, newWatched, wake } from "./kit.ts";

const { call } = clientOf();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

test("a key that is overdue for rotation is found once, after its business was told, and not one with a successor", async () => {
  const tenant = await newWatched();
  const asked = await call("security-policy.update", {
    ...as(tenant),
    body: { secondFactor: "off", longestKeyAge: 50 },
  });
  expect(asked.status).toBe(200);
  const body = { name: "Till", scopes: ["orders:read"] };
  const { json: rotated } = await call("api-keys.create", { ...as(tenant), body });
  const found = async () => {
    for (let times = 0; times < 3; times += 1) await tellOfKeys(testEnv(), tenant.cell, Date.now());
    await wake(tenant);
    const alerts = await alertsOf(tenant);
    return alerts.map(({ kind, subject_id, count }) => [kind, subject_id, count]).toSorted();
  };
  vi.setSystemTime(Date.now() + 45 * dayMs - minuteMs);
  const params = { apiKeyId: rotated.id };
  const successor = await call("api-keys.rotate", {
    ...as(tenant),
    params,
    body: { overlapSeconds: 604_800 },
  });
  expect(successor.status).toBe(201);
  // The seeded key is as old as that of the test.
  expect(await found()).toEqual([]);
  vi.setSystemTime(Date.now() + 2 * minuteMs);
  const overdue = await found();
  expect(overdue).toContainEqual(["rotation-overdue", tenant.keyId, 1]);
  expect(overdue.flat()).not.toContain(rotated.id);
  expect(await found()).toEqual(overdue);
});
