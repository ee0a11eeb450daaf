import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { exactToken } from "#crypto/blind-index.ts";
import { importHmacKey } from "#crypto/hmac.ts";
import type { Reservation, Settled } from "#http/account-operation.ts";
import { type Kind, kinds, limits, type Purpose, purposes } from "#identity/lockout/limits.ts";
import type { TryOutcome } from "#identity/lockout/lockout-rules.ts";
import { clearSignIn, reserveTry } from "#identity/lockout/reserve-try.ts";
import { dayMs, hourMs, hourStart, minuteMs, secondMs } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { counted, nothing } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import { envWith, proxied } from "#test/world.ts";

/** Within an hour that the real clock has not reached, so that alarms ring when a test says so. */
const start = hourStart(Date.now()) + hourMs;
const indexKey = await importHmacKey(crypto.getRandomValues(new Uint8Array(32)));

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: start }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("of 50 tries at once at one identifier exactly five are admitted, and none of them costs its network more", async () => {
  const somebody = { identifier: someone(), address: someAddress() };
  const all = await Promise.all(Array.from({ length: 50 }, () => reserve(somebody)));
  expect(outcomesOf(all)).toEqual({ admitted: 5, refused: 45 });
  await settleAll(all, "failure");
  // Of the hundred that its network may fail, five are used.
  const others = await Promise.all(
    Array.from({ length: 100 }, () => reserve({ ...somebody, identifier: someone() })),
  );
  expect(outcomesOf(others)).toEqual({ admitted: 95, refused: 5 });
});

test("one identifier from many networks is locked, by the failure that says so, and its lock is no network's", async () => {
  const identifier = someone();
  const settled: Settled[] = [];
  for (let i = 0; i < 5; i += 1) settled.push(await fail({ identifier, address: someAddress() }));
  expect(settled).toEqual([null, null, null, null, start + minuteMs].map((lockedUntil) => ({ lockedUntil })));
  const address = someAddress();
  expect(await reserve({ identifier, address })).toEqual({ outcome: "refused" });
  expect((await reserve({ identifier: someone(), address })).outcome).toBe("admitted");
});

test("many identifiers from one network lock the network, whichever address of it, and no identifier", async () => {
  const network = `2001:db8:${group()}:${group()}`;
  const all = await Promise.all(
    Array.from({ length: 120 }, (_, i) =>
      reserve({ identifier: someone(), address: `${network}::${i.toString(16)}` }),
    ),
  );
  expect(outcomesOf(all)).toEqual({ admitted: 100, refused: 20 });
  await settleAll(all, "failure");
  const identifier = someone();
  const address = `${network}:ffff:1:2:3`;
  for (let i = 0; i < 8; i += 1)
    expect(await reserve({ identifier, address })).toEqual({ outcome: "refused" });
  // Not one of the eight was counted against whom it was meant for.
  const elsewhere = await Promise.all(
    Array.from({ length: 8 }, () => reserve({ identifier, address: someAddress() })),
  );
  expect(outcomesOf(elsewhere)).toEqual({ admitted: 5, refused: 3 });
});

test("a success forgets the identifier's failures, and its network's stay", async () => {
  const address = someAddress();
  const identifier = someone();
  for (let i = 0; i < 4; i += 1) await fail({ identifier, address });
  expect(await settle(await reserve({ identifier, address }), "success")).toEqual({ lockedUntil: null });
  for (let i = 0; i < 4; i += 1) await fail({ identifier, address });
  expect((await reserve({ identifier, address })).outcome).toBe("admitted");
  // Eight have failed and one is under way.
  const others = await Promise.all(
    Array.from({ length: 100 }, () => reserve({ identifier: someone(), address })),
  );
  expect(outcomesOf(others)).toEqual({ admitted: 91, refused: 9 });
});

test("an eviction forgives nothing: neither failures, nor tries under way, nor a lock", async () => {
  const identifier = someone();
  for (let i = 0; i < 3; i += 1) await fail({ identifier, address: someAddress() });
  const underWay = await reserve({ identifier, address: someAddress() });
  const stub = await lockoutOf(identifier);
  await evictDurableObject(stub);
  const rest = await Promise.all(
    Array.from({ length: 4 }, () => reserve({ identifier, address: someAddress() })),
  );
  expect(outcomesOf(rest)).toEqual({ admitted: 1, refused: 3 });
  await settleAll([underWay, ...rest], "failure");
  await evictDurableObject(stub);
  expect((await reserve({ identifier, address: someAddress() })).outcome).toBe("refused");
});

test("a link clears the identifier's lock, and neither that of its network nor of its second factor", async () => {
  const identifier = someone();
  const address = someAddress();
  for (let i = 0; i < 5; i += 1) await fail({ identifier, address });
  for (let i = 0; i < 5; i += 1) await fail({ identifier, address, purpose: "second-factor" });
  await clearSignIn(testEnv(), indexKey, identifier);
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, i) => reserve({ identifier: i < 5 ? identifier : someone(), address })),
  );
  expect(outcomesOf(all)).toEqual({ admitted: 95, refused: 5 });
  expect((await reserve({ identifier, address: someAddress(), purpose: "second-factor" })).outcome).toBe(
    "refused",
  );
});

test("a try costs two hops before it and two after, side by side, and asks no database", async () => {
  const { env, counts } = counted();
  const asked = { purpose: "sign-in", identifier: someone(), address: someAddress() } as const;
  const reservation = await reserveTry(env, indexKey, asked);
  expect(counts).toEqual({ ...nothing(), lockouts: ["reserve", "reserve"] });
  await settle(reservation, "success");
  expect(counts).toEqual({ ...nothing(), lockouts: ["reserve", "reserve", "settle", "settle"] });
});

test("what one purpose counts is nothing to another", async () => {
  const identifier = someone();
  const address = someAddress();
  const admitted: Partial<Record<Purpose, number | undefined>> = {};
  for (const purpose of purposes) {
    const all = await Promise.all(
      Array.from({ length: 10 }, () => reserve({ identifier, address, purpose })),
    );
    admitted[purpose] = outcomesOf(all).admitted;
  }
  expect(admitted).toEqual({
    "sign-in": 5,
    federation: 5,
    "sign-up": 3,
    "second-factor": 5,
    reset: 3,
    "sms-code": 5,
  });
});

test("when all is forgotten the alarm leaves an empty object, and rings no more", async () => {
  const identifier = someone();
  await fail({ identifier, address: someAddress() });
  const unsettled = await reserve({ identifier, address: someAddress() });
  expect(unsettled.outcome).toBe("admitted");
  const stub = await lockoutOf(identifier);
  const ring = async (at: number) => {
    vi.setSystemTime(at);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    return await stored(stub);
  };
  expect(await ring(start + minuteMs)).toEqual({ items: 1, alarm: start + minuteMs + dayMs });
  // One that rings too early leaves all as it is.
  expect(await ring(start + hourMs)).toEqual({ items: 1, alarm: start + minuteMs + dayMs });
  expect(await ring(start + minuteMs + dayMs)).toEqual({ items: 0, alarm: null });
});

test("a try that succeeds leaves nothing stored at once", async () => {
  const identifier = someone();
  const address = someAddress();
  const stubs = [await lockoutOf(identifier), await lockoutOf(`${address}/32`, "address")];
  const reservation = await reserve({ identifier, address });
  for (const stub of stubs) expect(await stored(stub)).toEqual({ items: 1, alarm: start + minuteMs });
  await settle(reservation, "success");
  for (const stub of stubs) expect(await stored(stub)).toEqual({ items: 0, alarm: null });
});

test("tries at what is locked write nothing", async () => {
  const identifier = someone();
  for (let i = 0; i < 5; i += 1) await fail({ identifier, address: someAddress() });
  const stub = await lockoutOf(identifier);
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
  expect((await reserve({ identifier, address: someAddress() })).outcome).toBe("refused");
  expect((await stored(stub)).alarm, "a write would have set it").toBeNull();
});

test("what a later version stored is forgotten rather than an error for ever", async () => {
  const identifier = someone();
  for (let i = 0; i < 5; i += 1) await fail({ identifier, address: someAddress() });
  const stub = await lockoutOf(identifier);
  await runInDurableObject(stub, (_, { storage }) => storage.kv.put("lockout", { v: 2 }));
  expect((await reserve({ identifier, address: someAddress() })).outcome).toBe("admitted");
});

test("an object's name is an HMAC: the same for all spellings of a network, and tells of nobody", async () => {
  const names: string[] = [];
  const env = lockouts((name) => {
    names.push(name);
    return testEnv().LOCKOUTS.getByName(name);
  });
  const identifier = "ada@example.com";
  for (const address of ["203.0.113.7", "::ffff:203.0.113.7", "::FFFF:cb00:7107"])
    await reserveTry(env, indexKey, { purpose: "sign-in", identifier, address });
  for (const address of [null, "not an address"])
    await reserveTry(env, indexKey, { purpose: "sms-code", identifier, address });
  const distinct = [...new Set(names)].toSorted();
  expect(distinct.map((name) => name.replace(/[0-9a-z]{26}$/, "*"))).toEqual([
    "sign-in-address-*",
    "sign-in-identifier-*",
    "sms-code-address-*",
    "sms-code-identifier-*",
  ]);
  expect(new Set(distinct.map((name) => name.slice(-26))).size).toBe(4);
  const otherKey = await importHmacKey(crypto.getRandomValues(new Uint8Array(32)));
  await reserveTry(env, otherKey, { purpose: "sign-in", identifier, address: "203.0.113.7" });
  expect(new Set(names).size).toBe(6);
});

for (const lost of kinds) {
  test(`where the ${lost}'s counter does not answer nothing may be tried, and the other counts nothing`, async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const somebody = { identifier: someone(), address: someAddress() };
    const gone = () => Promise.reject(new Error("The object is gone."));
    const env = lockouts((name) => {
      const stub = testEnv().LOCKOUTS.getByName(name);
      return name.includes(lost) ? proxied(stub, { reserve: gone }) : stub;
    });
    for (let i = 0; i < 6; i += 1)
      expect(await reserveTry(env, indexKey, { purpose: "sign-in", ...somebody })).toEqual({
        outcome: "unavailable",
      });
    for (const stub of [
      await lockoutOf(somebody.identifier),
      await lockoutOf(`${somebody.address}/32`, "address"),
    ])
      expect(await stored(stub)).toEqual({ items: 0, alarm: null });
    expect((await reserve(somebody)).outcome).toBe("admitted");
  });
}

test("a counter that never answers holds nobody up for ever", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: start });
  const reached = Promise.withResolvers<void>();
  const hangs = () => {
    reached.resolve();
    return Promise.withResolvers<never>().promise;
  };
  const env = lockouts((name) => {
    const stub = testEnv().LOCKOUTS.getByName(name);
    return name.includes("address") ? proxied(stub, { reserve: hangs }) : stub;
  });
  const asking = reserveTry(env, indexKey, {
    purpose: "sign-in",
    identifier: someone(),
    address: someAddress(),
  });
  await reached.promise;
  await vi.advanceTimersByTimeAsync(5 * secondMs);
  expect(await asking).toEqual({ outcome: "unavailable" });
});

test("an answer of a form that nobody knows admits nobody", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const env = lockouts((name) =>
    proxied(testEnv().LOCKOUTS.getByName(name), { reserve: async () => ({ v: 2, outcome: "admitted" }) }),
  );
  const asked = { purpose: "sign-in", identifier: someone(), address: someAddress() } as const;
  expect(await reserveTry(env, indexKey, asked)).toEqual({ outcome: "unavailable" });
});

test("a counter that restarts between its work and its answer is asked again, and has counted once", async () => {
  const identifier = someone();
  const asked = new Set<string>();
  const env = lockouts((name) => {
    const stub = testEnv().LOCKOUTS.getByName(name);
    const lostOnce =
      (method: "reserve" | "settle" | "clear") =>
      async (request: unknown): Promise<unknown> => {
        const answer = await stub[method](request);
        const call = `${method} ${name} ${JSON.stringify(request)}`;
        if (asked.has(call)) return answer;
        asked.add(call);
        throw Object.assign(new Error("The object was reset."), { retryable: true });
      };
    return proxied(stub, {
      reserve: lostOnce("reserve"),
      settle: lostOnce("settle"),
      clear: lostOnce("clear"),
    });
  });
  const once = () => reserveTry(env, indexKey, { purpose: "sign-in", identifier, address: someAddress() });
  for (let i = 0; i < 4; i += 1) expect(await settle(await once(), "failure")).toEqual({ lockedUntil: null });
  expect((await once()).outcome).toBe("admitted");
  expect((await reserve({ identifier, address: someAddress() })).outcome).toBe("refused");
  expect(asked.size).toBe(18);
  await clearSignIn(env, indexKey, identifier);
  expect((await reserve({ identifier, address: someAddress() })).outcome).toBe("admitted");
});

test("limits are sane: nobody is locked for more than a day, and no network for more than an hour", () => {
  for (const purpose of purposes) {
    const { identifier, address } = limits[purpose];
    expect(identifier.longestLockMs).toBeLessThanOrEqual(dayMs);
    expect(address.longestLockMs).toBeLessThanOrEqual(hourMs);
    expect(address.forgetsOnSuccess).toBe(false);
    expect(address.free).toBeGreaterThanOrEqual(10 * identifier.free);
    expect([identifier.again >= 1, identifier.free >= identifier.again]).toEqual([true, true]);
  }
});

interface Asked {
  readonly identifier: string;
  readonly address: string;
  readonly purpose?: Purpose;
}

function reserve({ identifier, address, purpose = "sign-in" }: Asked): Promise<Reservation> {
  return reserveTry(testEnv(), indexKey, { purpose, identifier, address });
}

async function settle(reservation: Reservation, outcome: TryOutcome): Promise<Settled> {
  if (reservation.outcome !== "admitted") throw new Error(`It is ${reservation.outcome}.`);
  return await reservation.settle(outcome);
}

async function settleAll(all: readonly Reservation[], outcome: TryOutcome): Promise<void> {
  for (const each of all) if (each.outcome === "admitted") await each.settle(outcome);
}

async function fail(asked: Asked): Promise<Settled> {
  return await settle(await reserve(asked), "failure");
}

function outcomesOf(all: readonly Reservation[]): Partial<Record<Reservation["outcome"], number>> {
  const counts: Partial<Record<Reservation["outcome"], number>> = {};
  for (const { outcome } of all) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function someone(): string {
  return newId("usr");
}

function someAddress(): string {
  return `10.${[...crypto.getRandomValues(new Uint8Array(3))].join(".")}`;
}

function group(): string {
  return (crypto.getRandomValues(new Uint16Array(1))[0] ?? 0).toString(16);
}

/** The object itself, by the name that it must have. */
async function lockoutOf(what: string, kind: Kind = "identifier"): Promise<Stub> {
  const token = await exactToken(indexKey, `lockout sign-in ${kind}`, what);
  return testEnv().LOCKOUTS.getByName(`sign-in-${kind}-${token}`);
}

function stored(stub: Stub): Promise<{ items: number; alarm: number | null }> {
  return runInDurableObject(stub, async (_, { storage }) => ({
    items: [...storage.kv.list()].length,
    alarm: await storage.getAlarm(),
  }));
}

type Stub = ReturnType<Env["LOCKOUTS"]["getByName"]>;

/** The bindings, with lockouts found in this way. */
function lockouts(getByName: (name: string) => unknown): Env {
  return envWith({ LOCKOUTS: proxied(testEnv().LOCKOUTS, { getByName }) });
}
