import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { dayMs, minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { newMember } from "#test/member-examples.ts";
import { as, envWith, type Tap, tapped } from "#test/world.ts";
import { alertsOf, happens, lettersTo, newWatched, raisedIn, sweep, type Watched, wake } from "./kit.ts";

const { call } = clientOf();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const factorRemoved = (tenant: Watched, entityId = newId("mbr")) =>
  happens(tenant, { entity: "member", entityId, action: "mfa.removed" });

const sum = (rows: readonly Record<string, unknown>[]) =>
  rows.reduce((total, { count }) => total + Number(count), 0);

test("what is critical is told at once, by an event and a mail that say of whom and how often", async () => {
  const tenant = await newWatched();
  const memberId = newId("mbr");
  const at = timestamp(Date.now());
  await factorRemoved(tenant, memberId);
  await wake(tenant);
  const [alert, ...others] = await alertsOf(tenant);
  expect(alert).toMatchObject({
    kind: "second-factor-off",
    severity: "critical",
    subject_id: memberId,
    count: 1,
    told: 1,
  });
  expect(others).toEqual([]);
  const told = { kind: "second-factor-off", subjectId: memberId, count: 1, from: at, to: at };
  expect(await raisedIn(tenant)).toEqual([
    { ...told, subjectIds: memberId, alertId: alert?.id, severity: "critical" },
  ]);
  expect(await lettersTo(tenant)).toEqual([
    { ...told, otherIds: [], business: tenant.slug, homeLink: expect.stringContaining("/home") },
  ]);
});

test("of what is no news nobody is told: what was before, what founds a business, what members do all day", async () => {
  const tenant = await newWatched();
  await happens(tenant, { entity: "member", entityId: newId("mbr"), action: "user.signed_in" });
  await happens(tenant, { entity: "order", entityId: newId("ord"), action: "updated" });
  await wake(tenant);
  expect([await alertsOf(tenant), await raisedIn(tenant), await lettersTo(tenant)]).toEqual([[], [], []]);
});

test("more of a kind waits a quarter of an hour and is summed up, by the next one or by the sweeper", async () => {
  const tenant = await newWatched();
  const [one, other] = [newId("mbr"), newId("mbr")];
  await factorRemoved(tenant, one);
  await wake(tenant);
  const firstTold = timestamp(Date.now());
  for (let times = 0; times < 3; times += 1) {
    vi.setSystemTime(Date.now() + minuteMs);
    await factorRemoved(tenant, times === 2 ? other : one);
    await wake(tenant);
  }
  expect((await lettersTo(tenant)).map(({ count }) => count)).toEqual([1]);
  // Another kind has a quarter of an hour of its own.
  await happens(tenant, { entity: "sealed-value", entityId: newId("cus"), action: "note" });
  await wake(tenant);
  expect((await raisedIn(tenant)).map(({ kind, count }) => [kind, count])).toEqual([
    ["second-factor-off", 1],
    ["not-opened", 1],
  ]);
  vi.setSystemTime(Date.parse(firstTold) + 15 * minuteMs - 1);
  // What was written of the last one is gone through as any other row.
  await sweep(tenant);
  expect(await sweep(tenant)).toBe(false);
  expect(await lettersTo(tenant)).toHaveLength(2);
  vi.setSystemTime(Date.parse(firstTold) + 15 * minuteMs);
  expect(await sweep(tenant)).toBe(true);
  expect((await lettersTo(tenant)).at(-1)).toMatchObject({
    kind: "second-factor-off",
    subjectId: other,
    count: 3,
    from: firstTold,
  });
  await sweep(tenant);
  expect(await sweep(tenant)).toBe(false);
  // The one who had it thrice is one alert, the other another.
  expect((await alertsOf(tenant)).map(({ subject_id, count, told }) => [subject_id, count, told])).toEqual([
    [one, 3, 3],
    [other, 1, 1],
    [null, 1, 1],
  ]);
});

const every = async (tenant: Watched, times: number, what: () => Promise<void>) => {
  for (let time = 0; time < times; time += 1) {
    vi.setSystemTime(Date.now() + 16 * minuteMs);
    await what();
    await wake(tenant);
  }
};

test("a sum says of whom it is, of ten of them at most", async () => {
  const tenant = await newWatched();
  await factorRemoved(tenant);
  await wake(tenant);
  const others = Array.from({ length: 12 }, () => newId("mbr"));
  for (const each of others) {
    vi.setSystemTime(Date.now() + 1);
    await factorRemoved(tenant, each);
  }
  await wake(tenant);
  vi.setSystemTime(Date.now() + 15 * minuteMs);
  await sweep(tenant);
  const newest = others.toReversed().slice(0, 10);
  expect((await raisedIn(tenant)).at(-1)).toMatchObject({ count: 12, subjectIds: newest.join(" ") });
  const letter = (await lettersTo(tenant)).at(-1);
  expect(letter).toMatchObject({ count: 12, subjectId: newest[0], otherIds: newest.slice(1) });
});

test("a day has twenty mails of a kind, or fifteen of a warning, and the rest is summed up the next day", async () => {
  const tenant = await newWatched();
  const began = Date.now();
  await every(tenant, 17, () =>
    happens(tenant, { entity: "detection", entityId: newId("key"), action: "new-country" }),
  );
  expect(await lettersTo(tenant)).toHaveLength(15);
  await every(tenant, 22, () => factorRemoved(tenant));
  expect(await lettersTo(tenant)).toHaveLength(15 + 20);
  vi.setSystemTime(began + dayMs + 17 * minuteMs);
  expect(await sweep(tenant)).toBe(true);
  vi.setSystemTime(Date.now() + dayMs);
  await sweep(tenant);
  expect(sum(await lettersTo(tenant))).toBe(17 + 22);
});

test("no noise keeps a business from hearing of its owners, of support, or of a laxer security policy", async () => {
  const tenant = await newWatched();
  const policy = (secondFactor: string) =>
    call("security-policy.update", { ...as(tenant), body: { secondFactor } });
  const owned = async () => {
    const { memberId } = await newMember(tenant, { role: "owner" }, null);
    await call("members.suspend", { ...as(tenant), params: { memberId }, body: {} });
  };
  await every(tenant, 22, () => factorRemoved(tenant));
  const noise = await lettersTo(tenant);
  expect(noise).toHaveLength(20);
  await every(tenant, 22, owned);
  await every(tenant, 1, () =>
    happens(tenant, { entity: "support-session", entityId: newId("sus"), action: "created" }),
  );
  await policy("everyone");
  await every(tenant, 1, async () => expect((await policy("off")).status).toBe(200));
  const told = (await lettersTo(tenant)).slice(noise.length).map(({ kind, count }) => [kind, count]);
  const owners = told.filter(([kind]) => kind === "owner-changed");
  expect(owners.length).toBe(22);
  // With what was held back of its kind.
  expect(told.slice(owners.length)).toEqual([
    ["support-session", 1],
    ["second-factor-off", 3],
  ]);
});

test("a policy that is made laxer more often than a day has notices is told of each time", async () => {
  const tenant = await newWatched();
  const sms = (allowsSms: boolean) =>
    call("security-policy.update", { ...as(tenant), body: { secondFactor: "everyone", allowsSms } });
  await every(tenant, 22, async () => {
    expect((await sms(false)).status).toBe(200);
    expect((await sms(true)).status).toBe(200);
  });
  const told = (await lettersTo(tenant)).filter(({ kind }) => kind === "policy-relaxed");
  expect(told).toHaveLength(22);
});

/** The Worker dies at this commit of this database, counted from one, before or after it. */
function dying(name: "CELL_US1" | "DIRECTORY", at: number, when: "before" | "after"): TestEnv {
  let commits = 0;
  const tap: Tap = async (texts, commit) => {
    if (!texts.some((text) => text.startsWith('insert into "commits"'))) return await commit();
    commits += 1;
    if (commits !== at) return await commit();
    if (when === "after") await commit();
    throw new Error("The Worker is gone.");
  };
  return envWith({ [name]: tapped(testEnv()[name] as D1Database, tap) });
}

const deaths = (["CELL_US1", "DIRECTORY"] as const).flatMap((name) =>
  [1, 2].flatMap((at) => (["before", "after"] as const).map((when) => ({ name, at, when }))),
);

test("none is lost and none counted twice, whatever comes twice and wherever the Worker dies", async () => {
  const tenant = await newWatched();
  let found = 0;
  for (const { name, at, when } of deaths) {
    const subject = newId("mbr");
    for (let times = 0; times < 3; times += 1) await factorRemoved(tenant, subject);
    found += 3;
    await wake(tenant, { env: dying(name, at, when) });
    // The message comes again, twice at once.
    await Promise.all([wake(tenant), wake(tenant)]);
    vi.setSystemTime(Date.now() + 7 * minuteMs);
  }
  vi.setSystemTime(Date.now() + 15 * minuteMs);
  while (await sweep(tenant));
  const alerts = await alertsOf(tenant);
  expect([
    found,
    sum(alerts.map(({ count }) => ({ count }))),
    sum(alerts.map(({ told }) => ({ count: told }))),
  ]).toEqual([24, 24, 24]);
  expect(sum(await raisedIn(tenant))).toBe(24);
  expect(sum(await lettersTo(tenant))).toBe(24);
  // Some of it was held back, or nothing was tried here.
  expect((await lettersTo(tenant)).length).toBeLessThan(deaths.length);
});
