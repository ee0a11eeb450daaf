import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { exactToken } from "#crypto/blind-index.ts";
import { importHmacKey } from "#crypto/hmac.ts";
import { type AskedText, type TakenText, takeText } from "#identity/sms/take-text.ts";
import { dayMs, hourMs, hourStart, minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { counted } from "#test/counted.ts";
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

let numbers = 0;

/** A text that shares no budget with any other. */
function newText(same: Partial<AskedText> = {}): AskedText {
  numbers += 1;
  const address = `198.51.${numbers >> 8}.${numbers & 255}`;
  const number = `+3197030${String(numbers).padStart(6, "0")}`;
  return { id: newId("req"), number, userId: newId("usr"), address, payer: newId("ten"), ...same };
}

const taking = (same: Partial<AskedText> = {}, env = testEnv()) => takeText(env, indexKey, newText(same));

function outcomesOf(taken: readonly TakenText[]): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(taken, ({ outcome }) => outcome)].map(([outcome, { length }]) => [outcome, length]),
  );
}

const atOnce = (count: number, same: Partial<AskedText>) =>
  Promise.all(Array.from({ length: count }, () => taking(same)));

/** By hand: how many texts at once each of them pays for. */
test.each<[string, Partial<AskedText>, number, number, number]>([
  ["number", { number: "+31970300000001" }, 20, 3, 15 * minuteMs],
  ["user", { userId: "usr_1" }, 20, 5, 15 * minuteMs],
  ["network", { address: "2001:db8:1:2::3" }, 40, 30, 15 * minuteMs],
  ["business", { payer: "ten_1" }, 210, 200, dayMs],
  ["user without a business that pays, like all of those", { payer: null }, 210, 200, dayMs],
])("of many at once one %s pays for no more than it may", async (_payer, same, count, most, perMs) => {
  const taken = await atOnce(count, same);
  expect(outcomesOf(taken)).toEqual({ admitted: most, refused: count - most });
  for (const each of taken) if (each.outcome === "refused") expect(each.until).toBe(start + perMs);
});

test("a number has eight in a day, three of them in any quarter of an hour", async () => {
  const { number } = newText();
  const tryAt = async (minutes: number) => {
    vi.setSystemTime(start + minutes * minuteMs);
    return (await taking({ number })).outcome;
  };
  const outcomes: string[] = [];
  for (const minutes of [0, 1, 2, 14, 15, 16, 17, 40, 41, 42, 60, 1439, 1440])
    outcomes.push(await tryAt(minutes));
  expect(outcomes).toEqual([
    ...["admitted", "admitted", "admitted", "refused"],
    ...["admitted", "admitted", "admitted"],
    ...["admitted", "admitted", "refused"],
    ...["refused", "refused", "admitted"],
  ]);
});

test("what one budget refuses costs the others nothing, and the business not even for a moment", async () => {
  const { env, counts, reset } = counted();
  const shared = newText();
  await atOnce(3, { number: shared.number });
  reset();
  expect((await takeText(env, indexKey, shared)).outcome).toBe("refused");
  // Of number, user and network the two that had room get theirs back; the business is not asked.
  expect(counts.budgets.toSorted()).toEqual(["giveBack", "giveBack", "take", "take", "take"]);
  const { userId, address, payer } = shared;
  expect(outcomesOf(await atOnce(6, { userId, address, payer }))).toEqual({ admitted: 5, refused: 1 });
});

test("where the business has none left, the number keeps its own", async () => {
  const { payer, number } = newText();
  await atOnce(200, { payer });
  for (let tries = 0; tries < 4; tries += 1)
    expect((await taking({ payer, number })).outcome).toBe("refused");
  expect(outcomesOf(await atOnce(4, { number }))).toEqual({ admitted: 3, refused: 1 });
});

test("one request is counted once, however often it runs", async () => {
  const text = newText();
  for (let runs = 0; runs < 5; runs += 1) await takeText(testEnv(), indexKey, text);
  expect(outcomesOf(await atOnce(3, { number: text.number }))).toEqual({ admitted: 2, refused: 1 });
});

test("where a budget does not answer nothing is sent, and nothing is kept of it", async () => {
  const printed = vi.spyOn(console, "error").mockReturnValue();
  const env = envWith({
    BUDGETS: proxied(testEnv().BUDGETS, {
      getByName: (name: string) =>
        name.startsWith("tenant-")
          ? { take: () => Promise.reject(new Error("away")), giveBack: async () => undefined }
          : testEnv().BUDGETS.getByName(name),
    }),
  });
  const text = newText();
  expect(await takeText(env, indexKey, text)).toEqual({ outcome: "unavailable" });
  expect(printed).toHaveBeenCalledTimes(1);
  expect(outcomesOf(await atOnce(4, { number: text.number }))).toEqual({ admitted: 3, refused: 1 });
});

async function budgetOfNumber(number: string) {
  return testEnv().BUDGETS.getByName(`number-${await exactToken(indexKey, "budget of number", number)}`);
}

test("a restart forgives nothing, and an object whose texts are all forgotten keeps nothing", async () => {
  const { number } = newText();
  await atOnce(3, { number });
  const budget = await budgetOfNumber(number);
  await evictDurableObject(budget);
  expect((await taking({ number })).outcome).toBe("refused");
  const stored = () =>
    runInDurableObject(budget, async (_object, { storage }) => [...(await storage.list()).values()]);
  expect(JSON.stringify(await stored())).not.toContain(number);
  vi.setSystemTime(start + dayMs);
  expect(await runDurableObjectAlarm(budget)).toBe(true);
  expect(await stored()).toEqual([]);
  expect(await runDurableObjectAlarm(budget)).toBe(false);
});

test("what another version stored is forgotten, and an answer of another version is none", async () => {
  const { number } = newText();
  const budget = await budgetOfNumber(number);
  await runInDurableObject(budget, (_object, { storage }) => storage.kv.put("budget", { v: 2, left: 0 }));
  expect(outcomesOf(await atOnce(4, { number }))).toEqual({ admitted: 3, refused: 1 });
});
