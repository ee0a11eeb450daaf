import { evictDurableObject } from "cloudflare:test";
import { parseList } from "structured-headers";
import { afterEach, expect, test, vi } from "vitest";
import { limitKey } from "#cli/key-limit.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { newTenant, type TestTenant } from "#test/world.ts";
import { gateOf, listOrders, newKey, owner, ping, withoutNotices } from "./kit.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

interface Key {
  readonly id: string;
  readonly text: string;
}

interface Limit {
  readonly perMinute: number;
  readonly burst: number;
  readonly forMs?: number;
}

function hold(tenant: TestTenant, key: Key, { forMs = minuteMs, ...limit }: Limit, env: TestEnv = testEnv()) {
  const body = { ...limit, reason: "An import.", expiresAt: timestamp(Date.now() + forMs) };
  return call("api-keys.setLimit", { ...owner(tenant), params: { apiKeyId: key.id }, body, env });
}

function lift(tenant: TestTenant, key: Key) {
  return call("api-keys.removeLimit", { ...owner(tenant), params: { apiKeyId: key.id } });
}

/** As the operator types it. */
function order(tenant: TestTenant, key: Key, { perMinute, burst, forMs = minuteMs }: Limit) {
  const now = Date.now();
  const numbers = { perMinute: String(perMinute), burst: String(burst), until: timestamp(now + forMs) };
  const run = { job: "cli.limit", requestId: newId("run"), now };
  return limitKey(testEnv(), { tenant: tenant.slug, key: key.id, reason: "Agreed.", ...numbers }, run);
}

function pings(tenant: TestTenant, key: Key, count: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, () => ping(tenant, key.text)));
}

function searches(tenant: TestTenant, as: string, count: number): Promise<Answer[]> {
  const search = () => call("customers.search", { tenant: tenant.slug, as, body: { name: "a" } });
  return Promise.all(Array.from({ length: count }, search));
}

function admitted(answers: readonly Answer[]): number {
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => ![200, 429].includes(status))).toEqual([]);
  return statuses.filter((status) => status === 200).length;
}

/** What an answer says: by which name, how many a minute, at once, and left. */
function shown({ headers }: Answer | undefined = { headers: new Headers() } as Answer) {
  const [[name, policy] = [], ...more] = parseList(headers.get("ratelimit-policy") ?? "");
  const [[again, left] = []] = parseList(headers.get("ratelimit") ?? "");
  expect([more, again]).toEqual([[], name]);
  return [name, policy?.get("q"), policy?.get("keyline-burst"), left?.get("r")];
}

async function withKey(plan: "free" | "pro" | "enterprise" = "pro") {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan });
  return { tenant, key: await newKey(tenant, ["orders:read", "customers:read"]) };
}

test("of many calls at once a lowered key is let through exactly its own burst, and no other key is", async () => {
  const { tenant, key } = await withKey();
  const other = await newKey(tenant, ["orders:read"]);
  expect((await hold(tenant, key, { perMinute: 60, burst: 7 })).status).toBe(200);
  const answers = await pings(tenant, key, 60);
  expect(admitted(answers)).toBe(7);
  const refused = answers.filter(({ status }) => status === 429);
  for (const answer of refused) {
    expect(shown(answer)).toEqual(["key", 60, 7, 0]);
    expect(answer.headers.get("retry-after")).toBe("1");
  }
  vi.setSystemTime(Date.now() + 3000);
  expect(admitted(await pings(tenant, key, 20)), "one a second").toBe(3);
  expect(admitted(await pings(tenant, other, 120))).toBe(100);
});

test("a limit holds until the very moment it expires, and the sold rate from then on", async () => {
  const { tenant, key } = await withKey();
  await hold(tenant, key, { perMinute: 6, burst: 2, forMs: 20_000 });
  const start = Date.now();
  expect(admitted(await pings(tenant, key, 30))).toBe(2);
  vi.setSystemTime(start + 19_999);
  const last = await pings(tenant, key, 30);
  expect([admitted(last), shown(last[0])[0]]).toEqual([1, "key"]);
  vi.setSystemTime(start + 20_000);
  const answers = await pings(tenant, key, 150);
  expect(shown(answers[0]).slice(0, 3)).toEqual(["pro", 1_000, 100]);
  // The sold rate was taken from all the while: one call a ms before it has not come back yet.
  expect(admitted(answers)).toBe(99);
});

for (const [how, env] of [
  ["", testEnv],
  [", though its gate was never told", withoutNotices],
] as const)
  test(`a changed limit holds from the next request on, of however many at once${how}`, async () => {
    const { tenant, key } = await withKey();
    expect(admitted(await Promise.all(Array.from({ length: 10 }, () => listOrders(tenant, key.text))))).toBe(
      10,
    );
    await hold(tenant, key, { perMinute: 60, burst: 4 }, env());
    const first = await Promise.all(Array.from({ length: 30 }, () => listOrders(tenant, key.text)));
    expect(admitted(first)).toBe(4);
    await hold(tenant, key, { perMinute: 60, burst: 6 }, env());
    // Of a gate that was not told the old limit has to let one through, which finds that the rights have moved.
    vi.setSystemTime(Date.now() + 1000);
    expect((await listOrders(tenant, key.text)).status).toBe(200);
    const second = await Promise.all(Array.from({ length: 30 }, () => listOrders(tenant, key.text)));
    expect(admitted(second)).toBe(5);
  });

test("limits that are set and lifted in turn never come to more than the plan sells", async () => {
  const { tenant, key } = await withKey("free");
  let count = 0;
  for (const burst of [4, 5, 6, 7]) {
    expect((await hold(tenant, key, { perMinute: 100, burst })).status).toBe(200);
    count += admitted(await pings(tenant, key, 12));
    expect((await lift(tenant, key)).status).toBe(204);
    const rest = await pings(tenant, key, 12);
    count += admitted(rest);
    expect(rest.at(-1)?.headers.get("retry-after")).toBe("1");
  }
  expect(count).toBe(10);
});

test("of two limits that both refuse, Retry-After names the moment at which both would not", async () => {
  const { tenant, key } = await withKey("free");
  expect(admitted(await pings(tenant, key, 12))).toBe(10);
  await hold(tenant, key, { perMinute: 2, burst: 1 });
  const [sold] = await pings(tenant, key, 1);
  expect([sold?.status, sold?.headers.get("retry-after")]).toEqual([429, "1"]);
  vi.setSystemTime(Date.now() + 1000);
  const [first, second] = [await ping(tenant, key.text), await ping(tenant, key.text)];
  expect([first.status, second.status, second.headers.get("retry-after")]).toEqual([200, 429, "30"]);
});

test("only the operator lets a key go beyond its plan, at once, until then, and exactly as far", async () => {
  const { tenant, key } = await withKey("free");
  for (const [terms, pointer] of [
    [{ perMinute: 101, burst: 10 }, "/perMinute"],
    [{ perMinute: 100, burst: 11 }, "/burst"],
  ] as const) {
    const { status, json } = await hold(tenant, key, terms);
    expect([status, json.type, json.errors[0].pointer]).toEqual([
      422,
      "/problems/limit-exceeds-plan",
      pointer,
    ]);
  }
  expect((await hold(tenant, key, { perMinute: 100, burst: 10 })).status).toBe(200);
  const start = Date.now();
  expect(await order(tenant, key, { perMinute: 600, burst: 40, forMs: 10_000 })).toMatchObject({
    isDone: true,
  });
  const raised = await Promise.all(Array.from({ length: 60 }, () => listOrders(tenant, key.text)));
  expect(admitted(raised)).toBe(40);
  expect(shown(raised.find(({ status }) => status === 429))).toEqual(["key", 600, 40, 0]);
  vi.setSystemTime(start + 10_000);
  expect(admitted(await pings(tenant, key, 60)), "whole, as nothing was taken of it").toBe(10);
});

test("a limit that the plan has become smaller than is worth no more than the plan", async () => {
  const { tenant, key } = await withKey("pro");
  await hold(tenant, key, { perMinute: 900, burst: 90 });
  const plan = "update tenants set plan = 'free' where tenant_id = ?";
  await tenant.cell.database.prepare(plan).bind(tenant.tenantId).run();
  await gateOf(key.id).forget();
  const answers = await pings(tenant, key, 100);
  expect([admitted(answers), shown(answers[0]).slice(0, 3)]).toEqual([10, ["key", 100, 10]]);
});

test("a gate that restarts grants one more burst of what holds, and no other", async () => {
  const { tenant, key } = await withKey();
  await hold(tenant, key, { perMinute: 60, burst: 5 });
  expect(admitted(await pings(tenant, key, 20))).toBe(5);
  expect(admitted(await searches(tenant, key.text, 20))).toBe(1);
  await evictDurableObject(gateOf(key.id));
  expect(admitted(await pings(tenant, key, 20))).toBe(5);
  expect(admitted(await searches(tenant, key.text, 20))).toBe(1);
});

// A tenth of what is sold. By hand.
for (const { plan, perMinute, burst, sold } of [
  { plan: "free", perMinute: 10, burst: 1, sold: 10 },
  { plan: "pro", perMinute: 100, burst: 10, sold: 100 },
  { plan: "enterprise", perMinute: 1_000, burst: 100, sold: 1_000 },
] as const)
  test(`of many expensive calls at once ${plan} admits exactly ${burst}, and the sold rate stays whole`, async () => {
    const { tenant, key } = await withKey(plan);
    const [found, rest] = await Promise.all([
      searches(tenant, key.text, burst + 30),
      pings(tenant, key, sold + 30),
    ]);
    expect([admitted(found), admitted(rest)]).toEqual([burst, sold]);
    const name = `${plan}-expensive`;
    for (const answer of found.filter(({ status }) => status === 429)) {
      expect(shown(answer)).toEqual([name, perMinute, burst, 0]);
      expect(answer.json.type).toBe("/problems/rate-limited");
    }
    const [refused] = found.filter(({ status }) => status === 429);
    const seconds = Number(refused?.headers.get("retry-after"));
    expect(seconds).toBe(Math.ceil(60 / perMinute));
    // An admitted one shows its own bucket too, and all others the plan's.
    expect(shown(found.find(({ status }) => status === 200))[0]).toBe(name);
    expect(shown(rest[0])[0]).toBe(plan);
    vi.setSystemTime(Date.now() + seconds * 1000);
    expect(admitted(await searches(tenant, key.text, 40))).toBe(Math.floor((seconds * perMinute) / 60));
  });

test("a refused expensive call takes nothing from the sold rate, nor the other way round", async () => {
  const { tenant, key } = await withKey("free");
  expect(admitted(await searches(tenant, key.text, 30))).toBe(1);
  expect(admitted(await pings(tenant, key, 30))).toBe(10);
  vi.setSystemTime(Date.now() + 6000);
  expect(admitted(await pings(tenant, key, 30))).toBe(10);
  expect(admitted(await searches(tenant, key.text, 30))).toBe(1);
});

test("expensive calls of a lowered key have a tenth of what holds it", async () => {
  const { tenant, key } = await withKey();
  await hold(tenant, key, { perMinute: 60, burst: 25 });
  const answers = await searches(tenant, key.text, 20);
  expect(admitted(answers)).toBe(2);
  expect(shown(answers.find(({ status }) => status === 429))).toEqual(["key-expensive", 6, 2, 0]);
  expect(admitted(await pings(tenant, key, 40))).toBe(25);
});

test("rights that moved under an expensive call take from its bucket once", async () => {
  const { tenant, key } = await withKey();
  expect(admitted(await searches(tenant, key.text, 1))).toBe(1);
  // Another key's end moves the epoch of all.
  const other = await newKey(tenant, ["orders:read"]);
  await call("api-keys.revoke", { ...owner(tenant), params: { apiKeyId: other.id } });
  const [again] = await searches(tenant, key.text, 1);
  expect([again?.status, ...shown(again)]).toEqual([200, "pro-expensive", 100, 10, 8]);
});

test("a request of code that knows no expensive operations is taken from the sold rate, by code that does", async () => {
  const { tenant, key } = await withKey("free");
  await ping(tenant, key.text);
  const request = {
    v: 1,
    cell: "us1",
    principalId: tenant.memberIds.owner,
    tenantId: tenant.tenantId,
    secretHash: null,
    staleEpoch: null,
  };
  const enter = (more: object = {}) =>
    gateOf(tenant.memberIds.owner).enter({ ...request, ...more }) as Promise<{ rate: object }>;
  expect((await enter()).rate).toMatchObject({ remaining: 9, limit: null });
  expect((await enter({ isExpensive: true })).rate).toMatchObject({
    remaining: 0,
    limit: { name: "free-expensive", perMinute: 10, burst: 1 },
  });
  expect((await enter()).rate).toMatchObject({ remaining: 8 });
});
