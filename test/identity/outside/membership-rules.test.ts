import fc from "fast-check";
import { expect, test } from "vitest";
import type { RoleTerms } from "#gate/outside-issuers.ts";
import {
  type MemberBefore,
  type MembershipNews,
  memberStep,
  type Standing,
  standingAfter,
  standingEnded,
  standingRemoved,
} from "#identity/outside/membership-rules.ts";

const joined: MembershipNews = {
  membership: "orgmem_1",
  role: "org:admin",
  joinedMs: 1_000,
  changedMs: 1_000,
  isRemoval: false,
};
const active: Standing = {
  state: "active",
  membership: "orgmem_1",
  role: "org:admin",
  joinedMs: 1_000,
  changedMs: 1_000,
};

/** News after `active`, and the state and role they leave; null where they are old. By hand. */
const news: readonly [what: string, changes: Partial<MembershipNews>, after: [string, string] | null][] = [
  ["the same again", {}, null],
  ["another role at the same time", { role: "org:member" }, null],
  ["another role later", { role: "org:member", changedMs: 1_001 }, ["active", "org:member"]],
  ["another role earlier", { role: "org:member", changedMs: 999 }, null],
  ["its removal, whose clock stands still", { isRemoval: true }, ["removed", "org:admin"]],
  ["its removal, whose clock goes back", { isRemoval: true, changedMs: 999 }, ["removed", "org:admin"]],
  [
    "a later membership",
    { membership: "orgmem_2", joinedMs: 1_001, role: "org:guest" },
    ["active", "org:guest"],
  ],
  ["an earlier membership", { membership: "orgmem_0", joinedMs: 999, changedMs: 5_000 }, null],
  ["an earlier membership's removal", { membership: "orgmem_0", joinedMs: 999, isRemoval: true }, null],
  [
    "a later membership's removal",
    { membership: "orgmem_2", joinedMs: 1_001, isRemoval: true },
    ["removed", "org:admin"],
  ],
];

for (const [what, changes, after] of news) {
  test(`of a member, ${what} leaves ${after?.join(" as ") ?? "all as it was"}`, () => {
    const standing = standingAfter(active, { ...joined, ...changes });
    expect(standing && [standing.state, standing.role]).toEqual(after);
  });
}

test("a removal is for good, for that membership; the person may have another", () => {
  const removed = { ...active, state: "removed" as const };
  for (const changes of [{}, { changedMs: 9_000 }, { isRemoval: true, changedMs: 9_000 }])
    expect(standingAfter(removed, { ...joined, ...changes })).toBeNull();
  expect(standingAfter(removed, { ...joined, membership: "orgmem_2", joinedMs: 1_001 })?.state).toBe(
    "active",
  );
});

test("who has ended comes back by nothing", () => {
  const ended = standingEnded(active);
  expect(ended).toEqual({ ...active, state: "ended" });
  expect(standingEnded(null)?.state).toBe("ended");
  expect(standingEnded(ended)).toBeNull();
  expect(standingAfter(ended, { ...joined, membership: "orgmem_9", joinedMs: 9_000 })).toBeNull();
  expect([standingRemoved(ended), standingRemoved(null)]).toEqual([null, null]);
  expect(standingRemoved(active)).toEqual({ ...active, state: "removed" });
});

test("news leave the same in whatever order, and however often, they come", () => {
  const history = fc
    .array(
      fc.record({
        changes: fc.array(fc.constantFrom("org:a", "org:b", "org:c"), { maxLength: 4 }),
        leaves: fc.boolean(),
      }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((memberships) =>
      memberships.flatMap(({ changes, leaves }, index): MembershipNews[] => {
        const base = { membership: `orgmem_${index}`, joinedMs: 1_000 * (index + 1), isRemoval: false };
        const told = ["org:first", ...changes].map((role, at) => ({
          ...base,
          role,
          changedMs: base.joinedMs + at,
        }));
        const last = told.at(-1);
        // Whoever joins again has left before.
        return last && (leaves || index < memberships.length - 1)
          ? [...told, { ...last, isRemoval: true }]
          : told;
      }),
    );
  const deliveries = history.chain((told) =>
    fc.tuple(
      fc.constant(told),
      fc.shuffledSubarray([...told, ...told], { minLength: told.length * 2, maxLength: told.length * 2 }),
    ),
  );
  fc.assert(
    fc.property(deliveries, ([told, delivered]) => {
      expect(fold(delivered)).toEqual(fold(told));
    }),
    { numRuns: 500 },
  );
});

function fold(told: readonly MembershipNews[]): Standing | null {
  return told.reduce<Standing | null>((before, each) => standingAfter(before, each) ?? before, null);
}

const terms: Readonly<Record<string, RoleTerms>> = {
  "org:admin": { role: "admin", allLocations: true },
  "org:member": { role: "staff", allLocations: false },
};
const member: MemberBefore = {
  state: "active",
  role: "admin",
  roleId: null,
  allLocations: 1,
  removedAt: null,
};
const gone: MemberBefore = { ...member, state: "suspended", removedAt: "2026-11-23T00:00:00.000Z" };
const suspended: MemberBefore = { ...member, state: "suspended" };
const asMember: Standing = { ...active, role: "org:member" };
const removed: Standing = { ...active, state: "removed" };
const unmapped: Standing = { ...active, role: "org:unheard-of" };

const staff = { role: "staff", roleId: null, allLocations: 0 };

/** before, after, the member, whether the suspension is ours → what is done, and whose it is then. By hand. */
const steps: Readonly<
  Record<
    string,
    [
      Standing | null,
      Standing,
      MemberBefore | null,
      boolean,
      { create?: string; patch?: object; suspends?: boolean },
    ]
  >
> = {
  "who joins is made": [null, active, null, false, { create: "org:admin" }],
  "who joins with an unmapped role is not": [null, unmapped, null, false, {}],
  "whose removal comes first is not": [null, removed, null, false, {}],
  "who gets a mapped role later is made then": [unmapped, active, null, false, { create: "org:admin" }],
  "a new role is taken over": [active, asMember, member, false, { patch: staff }],
  "the same role changes nothing": [active, { ...active, changedMs: 2_000 }, member, false, {}],
  "a role that was changed here stays": [
    active,
    { ...active, changedMs: 2_000 },
    { ...member, role: "viewer" },
    false,
    {},
  ],
  "a role of the tenant's own is given up for a new one": [
    active,
    asMember,
    { ...member, role: "staff", roleId: "rol_1", allLocations: 0 },
    false,
    { patch: staff },
  ],
  "an unmapped role suspends": [
    active,
    unmapped,
    member,
    false,
    { patch: { state: "suspended" }, suspends: true },
  ],
  "leaving suspends": [active, removed, member, false, { patch: { state: "suspended" }, suspends: true }],
  "leaving does not take over the tenant's own suspension": [active, removed, suspended, false, {}],
  "who comes back is active again": [removed, active, suspended, true, { patch: { state: "active" } }],
  "who comes back with another role has that": [
    removed,
    asMember,
    suspended,
    true,
    { patch: { state: "active", ...staff } },
  ],
  "who comes back stays suspended by the tenant": [removed, active, suspended, false, {}],
  "who comes back has the issuer's role again": [
    removed,
    active,
    { ...suspended, role: "owner" },
    true,
    { patch: { state: "active", role: "admin", roleId: null, allLocations: 1 } },
  ],
  "whom the tenant removed for good stays so, whoever suspended them": [removed, asMember, gone, true, {}],
  "who stays away stays suspended": [
    removed,
    { ...removed, state: "ended" },
    suspended,
    true,
    { suspends: true },
  ],
};

for (const [what, [before, after, row, suspends, expected]] of Object.entries(steps)) {
  test(what, () => {
    const termsOf = (role: string | null) => terms[role ?? ""] ?? null;
    const { create, patch, suspends: after2 } = memberStep({ before, after, member: row, suspends, termsOf });
    expect({ create, patch, suspends: after2 }).toEqual({
      create: expected.create ? terms[expected.create] : null,
      patch: expected.patch ?? {},
      suspends: expected.suspends ?? false,
    });
  });
}
