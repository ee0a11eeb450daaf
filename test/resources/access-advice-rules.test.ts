import { expect, test } from "vitest";
import { type Capability, maskOf, noCapabilities } from "#gate/capabilities.ts";
import { adviceOf, firstDay, type Known } from "#resources/access-advice/rules.ts";

const now = Date.parse("2026-11-23T15:00:00.000Z");
const held: Capability[] = ["orders:read", "orders:write", "customers:read", "files:read"];
const longAgo = "2020-01-01T00:00:00.000Z";

const known: Known = {
  held: maskOf(held),
  createdAt: longAgo,
  uses: [
    { capability: "orders:write", day: "2026-11-20" },
    { capability: "customers:read", day: "2026-10-24" },
  ],
  knownSince: longAgo,
};

test("what is held is parted by whether it was used, in the order of the vocabulary", () => {
  expect(adviceOf(known, now)).toEqual({
    used: [
      { capability: "customers:read", lastUsedOn: "2026-10-24" },
      { capability: "orders:write", lastUsedOn: "2026-11-20" },
    ],
    unused: ["orders:read", "files:read"],
    since: "2026-10-24T00:00:00.000Z",
    isWholeWindow: true,
    summary: "used 2 of 4 in 30 days",
  });
});

test("what was used and is held no longer, or by no name of ours, is left out", () => {
  const uses = [...known.uses, { capability: "audit:read", day: "2026-11-22" }];
  const advice = adviceOf({ ...known, uses: [...uses, { capability: "toString", day: "2026-11-22" }] }, now);
  expect(advice).toEqual(adviceOf(known, now));
  const less = adviceOf({ ...known, held: maskOf(["customers:read", "files:read"]) }, now);
  expect([less.used, less.unused, less.summary]).toEqual([
    [{ capability: "customers:read", lastUsedOn: "2026-10-24" }],
    ["files:read"],
    "used 1 of 2 in 30 days",
  ]);
});

test("who may do nothing is told so", () => {
  const advice = adviceOf({ ...known, held: noCapabilities }, now);
  expect([advice.used, advice.unused, advice.summary]).toEqual([[], [], "may do nothing"]);
});

/** By hand: when there began to be the principal, and the log of it; what the answer may speak of. */
const beginnings: readonly [
  createdAt: string,
  knownSince: string | null,
  since: string | null,
  said: string,
][] = [
  [longAgo, longAgo, "2026-10-24T00:00:00.000Z", "in 30 days"],
  ["2026-10-24T00:00:00.000Z", longAgo, "2026-10-24T00:00:00.000Z", "in 30 days"],
  [
    "2026-10-24T00:00:00.001Z",
    longAgo,
    "2026-10-24T00:00:00.001Z",
    "since 2026-10-24, as nothing is known of before",
  ],
  [
    "2026-11-18T10:00:00.000Z",
    longAgo,
    "2026-11-18T10:00:00.000Z",
    "since 2026-11-18, as nothing is known of before",
  ],
  [
    longAgo,
    "2026-11-20T08:00:00.000Z",
    "2026-11-20T08:00:00.000Z",
    "since 2026-11-20, as nothing is known of before",
  ],
  [
    "2026-11-21T10:00:00.000Z",
    "2026-11-20T08:00:00.000Z",
    "2026-11-21T10:00:00.000Z",
    "since 2026-11-21, as nothing is known of before",
  ],
  ["2026-11-21T10:00:00.000Z", null, null, "but nothing is known yet"],
];

test.each(beginnings)(
  "made at %s and known since %s, it speaks of %s on",
  (createdAt, knownSince, since, said) => {
    const advice = adviceOf({ ...known, createdAt, knownSince }, now);
    expect([advice.since, advice.isWholeWindow]).toEqual([since, said === "in 30 days"]);
    expect(advice.summary).toBe(`used 2 of 4${since === null ? "," : ""} ${said}`);
  },
);

test("the first day is the whole one that 30 days ago lies in, in UTC", () => {
  expect(firstDay(now)).toBe("2026-10-24");
  expect(firstDay(Date.parse("2026-11-23T00:00:00.000Z"))).toBe("2026-10-24");
  expect(firstDay(Date.parse("2026-11-22T23:59:59.999Z"))).toBe("2026-10-23");
});
