import { expect, test } from "vitest";
import { cellOf, cellsOf } from "#platform/cells.ts";
import { testEnv } from "#test/env.ts";

test("each cell of CELLS has its own databases, buckets and queues, and its jurisdiction", () => {
  const [us, eu] = cellsOf(testEnv());
  expect([us?.id, us?.jurisdiction, eu?.id, eu?.jurisdiction]).toEqual(["us1", null, "eu1", "eu"]);
  expect(us?.database).not.toBe(eu?.database);
  expect(us?.files).not.toBe(eu?.files);
  expect(us?.queue).not.toBe(eu?.queue);
  expect(us?.log).not.toBe(eu?.log);
  expect(us?.callArchive).not.toBe(eu?.callArchive);
  expect(us?.webhooks).not.toBe(eu?.webhooks);
  expect(us?.calls).not.toBe(eu?.calls);
  expect(us?.sinks).not.toBe(eu?.sinks);
});

test("several cells may share a jurisdiction", () => {
  const twins = Object.entries(testEnv())
    .filter(([name]) => name.endsWith("_EU1"))
    .map(([name, bound]) => [name.replace("_EU1", "_EU2"), bound]);
  expect(twins).toHaveLength(9);
  const env = { ...testEnv(), CELLS: "eu1:eu,eu2:eu", ...Object.fromEntries(twins) };
  expect(cellsOf(env).map(({ id, jurisdiction }) => `${id} ${jurisdiction}`)).toEqual(["eu1 eu", "eu2 eu"]);
});

test.each(["", "us1,", "US1", "us1:mars", "us1;eu1"])("CELLS as %j is refused, not guessed at", (CELLS) => {
  expect(() => cellsOf({ ...testEnv(), CELLS })).toThrow("CELLS has a malformed entry");
});

test("a binding that is missing, or of another kind, is refused by name at its use, and is no other cell's trouble", () => {
  const { AUDIT_EVENTS_US1 } = testEnv();
  const [us, ap] = cellsOf({ ...testEnv(), CELLS: "us1,ap1", FILES_AP1: AUDIT_EVENTS_US1 });
  expect(() => ap?.database).toThrow("CELL_AP1 is missing");
  expect(() => ap?.files).toThrow("FILES_AP1 is missing, or is of another kind");
  expect(us?.database).toBe(testEnv().CELL_US1);
});

test("a name that no cell has finds none", () => {
  expect(cellOf(testEnv(), "us9")).toBeNull();
});
