import {
  createExecutionContext,
  evictDurableObject,
  runDurableObjectAlarm,
  waitOnExecutionContext,
} from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createApp } from "#app.ts";
import type { Spot } from "#db/last-use.ts";
import { judged } from "#gate/arrival-rules.ts";
import { Trail } from "#gate/trail.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { dayMs, hourMs, minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { clientToken, newClient } from "#test/identity/oauth/kit.ts";
import { alertsOf, newWatched, type Watched, wake } from "#test/jobs/alerts/kit.ts";
import { as, memberToken, rowsOf } from "#test/world.ts";
import { gateOf } from "./kit.ts";

const amsterdam = { country: "NL", city: "Amsterdam", latitude: "52.37403", longitude: "4.88969" };
const newYork = { country: "US", city: "New York", latitude: "40.71427", longitude: "-74.00597" };
const losAngeles = { country: "US", city: "Los Angeles", latitude: "34.05223", longitude: "-118.24368" };

const { call } = clientOf();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** Calls from there, and has the gate tell of it. */
async function comes(
  tenant: Watched,
  cf: object,
  as = tenant.key,
  principalId = tenant.keyId,
): Promise<void> {
  await calls(tenant, cf, as);
  vi.setSystemTime(Date.now() + minuteMs);
  await runDurableObjectAlarm(gateOf(principalId));
}

async function calls(tenant: Watched, cf: object, as: string): Promise<void> {
  const request = new Request(`https://api.keyline.test/v1/tenants/${tenant.slug}/ping`, {
    headers: { Authorization: `Bearer ${as}`, "CF-Connecting-IP": "198.51.100.77" },
    cf: cf as RequestInitCfProperties,
  });
  const context = createExecutionContext();
  expect((await createApp().fetch(request, testEnv(), context)).status).toBe(200);
  await waitOnExecutionContext(context);
}

async function found(tenant: Watched): Promise<unknown[]> {
  await wake(tenant);
  return (await alertsOf(tenant)).map(({ kind, subject_id, count }) => [kind, subject_id, count]);
}

// First, as it needs keys that sign tokens, which later tests leave behind in time.
test("an OAuth client from where its business lets nobody in is found once", async () => {
  const tenant = await newWatched();
  const client = await newClient(tenant);
  const token = await clientToken(client);
  const inside = { "CF-Connecting-IP": "203.0.113.7" };
  const listed = await call("ip-allow-list.update", {
    ...as(tenant),
    headers: inside,
    body: { networks: ["203.0.113.0/24"] },
  });
  expect(listed.status, listed.text).toBe(200);
  const from = (address: string) =>
    call("orders.list", { tenant: tenant.slug, as: token, headers: { "CF-Connecting-IP": address } });
  expect((await from("203.0.113.7")).status).toBe(200);
  for (let times = 0; times < 2; times += 1) expect((await from("198.51.100.77")).status).toBe(403);
  vi.setSystemTime(Date.now() + minuteMs);
  await runDurableObjectAlarm(gateOf(client.id));
  expect(await found(tenant)).toEqual([["key-elsewhere", client.id, 1]]);
});

test("a key from a country that it never came from is found, and then that country is known", async () => {
  const tenant = await newWatched();
  await comes(tenant, amsterdam);
  await comes(tenant, {});
  expect(await found(tenant)).toEqual([]);
  vi.setSystemTime(Date.now() + dayMs);
  await comes(tenant, newYork);
  expect(await found(tenant)).toEqual([["new-country", tenant.keyId, 1]]);
  for (const place of [amsterdam, newYork]) {
    vi.setSystemTime(Date.now() + dayMs);
    await comes(tenant, place);
  }
  expect(await found(tenant)).toEqual([["new-country", tenant.keyId, 1]]);
});

test("of a member the same is found", async () => {
  const tenant = await newWatched();
  const { viewer } = tenant.memberIds;
  for (const place of [amsterdam, newYork]) {
    vi.setSystemTime(Date.now() + dayMs);
    await comes(tenant, place, await memberToken(tenant, "viewer"), viewer);
  }
  expect(await found(tenant)).toEqual([["new-country", viewer, 1]]);
});

test("two places that are too far apart for the time between are found, within a minute as well", async () => {
  const tenant = await newWatched();
  await comes(tenant, newYork);
  vi.setSystemTime(Date.now() + 5 * hourMs);
  await comes(tenant, losAngeles);
  expect(await found(tenant)).toEqual([]);
  await calls(tenant, newYork, tenant.key);
  vi.setSystemTime(Date.now() + 1000);
  await comes(tenant, losAngeles);
  expect(await found(tenant)).toEqual([["impossible-travel", tenant.keyId, 1]]);
});

test("whoever comes by two places all day is found once an hour, not once a minute", async () => {
  const tenant = await newWatched();
  const { database } = tenant.cell;
  const findings = async () =>
    await rowsOf<{ action: string; times: number }>(
      database,
      "select action, count(*) as times from audit_log where tenant_id = ? and entity = 'detection' group by action",
      tenant.tenantId,
    );
  for (let times = 0; times < 6; times += 1) await comes(tenant, times % 2 === 0 ? amsterdam : newYork);
  const once = [
    { action: "impossible-travel", times: 1 },
    { action: "new-country", times: 1 },
  ];
  expect(await findings()).toEqual(once);
  vi.setSystemTime(Date.now() + hourMs);
  await comes(tenant, losAngeles);
  await comes(tenant, amsterdam);
  expect((await findings())[0]).toEqual({ action: "impossible-travel", times: 2 });
});

test("Tor is a country that nobody came from before, and where its exit lies says nothing", async () => {
  const tenant = await newWatched();
  await comes(tenant, amsterdam);
  await comes(tenant, { country: "T1", latitude: "40.71427", longitude: "-74.00597" });
  expect(await found(tenant)).toEqual([["new-country", tenant.keyId, 1]]);
});

test("a journey is measured from when somebody was last there, however long they stayed", async () => {
  const tenant = await newWatched();
  await comes(tenant, newYork);
  for (let hours = 0; hours < 5; hours += 1) {
    vi.setSystemTime(Date.now() + 2 * hourMs);
    await comes(tenant, newYork);
  }
  await comes(tenant, losAngeles);
  expect(await found(tenant)).toEqual([["impossible-travel", tenant.keyId, 1]]);
});

test("a key that wakes after 90 days is found, by its last use or by when it was made, once", async () => {
  const tenant = await newWatched();
  await comes(tenant, amsterdam);
  vi.setSystemTime(Date.now() + 89 * dayMs);
  await comes(tenant, amsterdam);
  expect(await found(tenant)).toEqual([]);
  vi.setSystemTime(Date.now() + 90 * dayMs);
  await comes(tenant, amsterdam);
  await comes(tenant, amsterdam);
  expect(await found(tenant)).toEqual([["dormant-key", tenant.keyId, 1]]);
  const other = await newWatched();
  vi.setSystemTime(Date.now() + 90 * dayMs);
  await comes(other, {});
  expect(await found(other)).toEqual([["dormant-key", other.keyId, 1]]);
});

test("where somebody came from lies sealed, and what does not open is told of, then as if nothing were known", async () => {
  const tenant = await newWatched();
  const { database } = tenant.cell;
  await comes(tenant, amsterdam);
  const stored = () =>
    rowsOf<{ origin: string }>(database, "select origin from last_uses where principal_id = ?", tenant.keyId);
  expect(JSON.stringify(await stored())).not.toMatch(/Amsterdam|country|latitude/);
  await rowsOf(database, "update last_uses set origin = 'v1.x.y.z' where principal_id = ?", tenant.keyId);
  // What the gate itself remembers goes as well.
  await evictDurableObject(gateOf(tenant.keyId));
  await comes(tenant, newYork);
  const unopened = ["not-opened", null, 1];
  expect(await found(tenant)).toEqual([unopened]);
  vi.setSystemTime(Date.now() + dayMs);
  await comes(tenant, amsterdam);
  expect(await found(tenant)).toEqual([unopened, ["new-country", tenant.keyId, 1]]);
});

test("a key from where it is not let in is found once an hour", async () => {
  const tenant = await newWatched();
  const elsewhere = async (as: string, principalId: string) => {
    const headers = { "CF-Connecting-IP": "198.51.100.77" };
    const answer = await call("tenants.ping", { tenant: tenant.slug, as, headers });
    expect(answer.status, answer.text).toBe(403);
    vi.setSystemTime(Date.now() + minuteMs);
    await runDurableObjectAlarm(gateOf(principalId));
  };
  const body = { name: "Till", scopes: ["orders:read"], ipAllowList: ["203.0.113.0/24"] };
  const { id, key } = (await call("api-keys.create", { tenant: tenant.slug, as: tenant.key, body })).json;
  for (let times = 0; times < 3; times += 1) await elsewhere(key, id);
  expect(await found(tenant)).toEqual([["key-elsewhere", id, 1]]);
  vi.setSystemTime(Date.now() + hourMs);
  await elsewhere(key, id);
  expect(await found(tenant)).toEqual([
    ["key-elsewhere", id, 1],
    ["key-elsewhere", id, 1],
  ]);
});

const spot = (at: number, country: string, latitude: number | null = null, longitude = 0): Spot => ({
  at,
  country,
  point: latitude === null ? null : { latitude, longitude },
});

test("what nobody knows is never found: no place, no earlier one, or no way between", () => {
  const nothing = { seen: null, idleSince: null };
  expect(judged(nothing, 0, [])).toEqual({ kinds: [], seen: null });
  expect(judged(nothing, 0, [spot(0, "NL"), spot(1, "US")]).kinds).toEqual([]);
  const seen = { countries: ["NL", "US"], last: spot(0, "NL") };
  expect(judged({ seen, idleSince: null }, 1, [spot(1, "US", 40, -74)]).kinds).toEqual([]);
  expect(judged({ seen, idleSince: null }, 1, [])).toEqual({ kinds: [], seen });
});

test("a place in the next town is no journey, and what was told before is not judged again", () => {
  const seen = { countries: ["NL"], last: spot(10, "NL", 52.4, 4.9) };
  expect(judged({ seen, idleSince: null }, 11, [spot(11, "NL", 51.9, 4.5)]).kinds).toEqual([]);
  expect(judged({ seen, idleSince: null }, 11, [spot(9, "US", 40, -74)])).toEqual({ kinds: [], seen });
});

test("of a stay that goes on its last moment counts, and of a way by nowhere its ends", () => {
  const home = { ...spot(0, "NL", 52.4, 4.9), until: 10 };
  const known = (seen: Parameters<typeof judged>[0]["seen"]) => ({ seen, idleSince: null });
  const later = { ...home, until: 5 * hourMs };
  const stayed = judged(known({ countries: ["NL"], last: home }), later.until, [later]);
  expect(stayed).toEqual({ kinds: [], seen: { countries: ["NL"], last: later } });
  const at = 10 * hourMs;
  const there = spot(at, "NL", 40.7, -74);
  expect(judged(known(stayed.seen), at, [there]).kinds).toEqual(["impossible-travel"]);
  expect(judged(known({ countries: ["NL"], last: home }), at, [later, there]).kinds).toEqual([
    "impossible-travel",
  ]);
  expect(judged(known({ countries: ["NL"], last: home }), at, [there]).kinds).toEqual([]);
  const hidden = judged(known({ countries: ["NL", "T1"], last: later }), at - 1, [spot(at - 1, "T1")]);
  expect(hidden).toMatchObject({ kinds: [], seen: { last: { country: "T1" }, placed: later } });
  const shown = judged(known(hidden.seen), at, [there]);
  expect(shown.kinds).toEqual(["impossible-travel"]);
  expect(shown.seen).toEqual({ countries: ["NL", "T1"], last: there });
});

test("of countries the latest thirty are remembered", () => {
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  const countries = letters.flatMap((one) => [`${one}A`, `${one}B`]).slice(0, 30);
  const seen = { countries, last: spot(0, "AA") };
  const after = judged({ seen, idleSince: null }, 1, [spot(1, "ZZ")]);
  expect(after.kinds).toEqual(["new-country"]);
  expect(after.seen?.countries).toEqual(["ZZ", ...countries.slice(0, 29)]);
});

test("a trail holds a place once for as long as somebody stays, and a bounded number of them", () => {
  const trail = new Trail();
  const came = ["NL 52.4 4.9", "NL 52.4 4.9", null, "NL 52.0 4.4", "BE", "BE"];
  for (const [index, where] of came.entries()) trail.add(where, index + 1);
  expect(trail.spots().map(({ country, point }) => [country, point?.latitude ?? null])).toEqual([
    ["NL", 52.4],
    ["BE", null],
  ]);
  expect(trail.spots().map(({ at, until }) => [at, until])).toEqual([
    [1, 4],
    [5, 6],
  ]);
  for (let at = 0; at < 50; at += 1) trail.add(at % 2 === 0 ? "NL 52.4 4.9" : "BE", at);
  expect(trail.spots()).toHaveLength(8);
});
