import { expect, test } from "vitest";
import { clerkClaims, hasSecondFactor, pointedClaims, provedAtOf } from "#gate/outside-claims.ts";

const version1 = {
  org_id: "org_1",
  org_role: "org:admin",
  org_slug: "acme",
  org_permissions: ["org:a:read"],
};
const version2 = { v: 2, o: { id: "org_2", rol: "admin", slg: "acme" } };

test("Clerk's version 1 names organization, role and permissions one by one", () => {
  const expected = { organization: "org_1", role: "org:admin", permissions: ["org:a:read"] };
  expect(clerkClaims(version1)).toEqual(expected);
  expect(clerkClaims({ ...version1, v: 1 })).toEqual(expected);
  expect(clerkClaims({ org_id: "org_1" })).toEqual({ organization: "org_1", role: null, permissions: [] });
});

test("Clerk's version 2 has them in `o`, and version 1's names beside it mean nothing", () => {
  expect(clerkClaims({ ...version2, ...version1 })).toEqual({
    organization: "org_2",
    role: "admin",
    permissions: [],
  });
});

/** By hand, from the example in Clerk's documentation of `fpm` and around it. */
const permissions: readonly [fea: string, per: string, fpm: string, expected: string[]][] = [
  ["o:dashboard,o:teams", "manage,read", "3,2", ["dashboard:manage", "dashboard:read", "teams:read"]],
  ["o:dashboard,o:teams", "manage,read", "0,1", ["teams:manage"]],
  // A feature of the user's own has no number.
  ["u:beta,o:teams", "manage,read", "2", ["teams:read"]],
  ["uo:teams", "read", "1", ["teams:read"]],
  ["o:teams", "a,b,c,d", "10", ["teams:b", "teams:d"]],
  [" o:teams , o:bills ", " read , write ", " 1 , 2 ", ["teams:read", "bills:write"]],
  // More than there are features or verbs.
  ["o:teams", "read", "1,1,1", ["teams:read"]],
  ["o:teams", "read", "255", ["teams:read"]],
  ["o:teams,o:bills", "read", "1", ["teams:read"]],
  ["", "read", "1", []],
  ["o:teams", "", "1", []],
  ["o:teams", "read", "", []],
  ["o:teams", "read", "-1", []],
  ["o:teams", "read", "0x1", []],
  ["o:teams", "read", "1e3", []],
  ["teams,x:bills,o:", "read", "1,1,1", []],
];

for (const [fea, per, fpm, expected] of permissions) {
  test(`features "${fea}", verbs "${per}" and numbers "${fpm}" are ${expected.join(", ") || "nothing"}`, () => {
    const claims = clerkClaims({ v: 2, fea, o: { id: "org_2", rol: "x", per, fpm } });
    expect(claims?.permissions).toEqual(expected.map((each) => `org:${each}`));
  });
}

test("no organization, another version or another form are no claims of Clerk's", () => {
  const others: Record<string, unknown>[] = [
    {},
    { v: 2 },
    { v: 2, ...version1 },
    { v: 3, ...version1 },
    { v: "2", o: version2.o },
    { o: version2.o },
    { v: 2, o: { rol: "admin" } },
    { v: 2, o: { id: "" } },
    { v: 2, o: { id: 7 } },
    { v: 2, o: [] },
    { v: 2, o: { id: "o".repeat(256) } },
    { org_id: "" },
    { org_id: "org_1", org_role: ["org:admin"] },
    { org_id: "org_1", org_permissions: "org:a:read" },
  ];
  for (const claims of others) expect(clerkClaims(claims), JSON.stringify(claims)).toBeNull();
});

test("another issuer's claims are where its pointers say, and what has another form is nothing", () => {
  const pointers = {
    organization: "/https:~1~1acme.example~1org/id",
    role: "/roles/0",
    permissions: "/scope",
  };
  const claims = { "https://acme.example/org": { id: "7" }, roles: ["boss"], scope: "a:read  b:write" };
  expect(pointedClaims(claims, pointers)).toEqual({
    organization: "7",
    role: "boss",
    permissions: ["a:read", "b:write"],
  });
  expect(pointedClaims({ ...claims, roles: [7], scope: ["a:read"] }, pointers)).toEqual({
    organization: "7",
    role: null,
    permissions: ["a:read"],
  });
  expect(pointedClaims({ ...claims, roles: "boss", scope: 7 }, pointers)?.permissions).toEqual([]);
  expect(pointedClaims({ ...claims, "https://acme.example/org": { id: 7 } }, pointers)).toBeNull();
  expect(pointedClaims({}, { organization: "/constructor/name", role: "/x" })).toBeNull();
});

const iat = 1_700_000_000;

test.each([
  ["auth_time, as OpenID Connect has it", { iat, auth_time: iat - 30 }, iat - 30],
  ["Clerk's age of the first factor, where there is no second", { iat, fva: [3, -1] }, iat - 180],
  ["Clerk's age of the second factor, where there is one", { iat, fva: [3, 20] }, iat - 1200],
  ["nothing", { iat }, 0],
  ["never", { iat, fva: [-1, -1] }, 0],
  ["what is no age", { iat, fva: ["3", -1] }, 0],
  ["a text", { iat, auth_time: "now" }, 0],
])("when a person last proved themselves, by %s", (_, claims, expected) => {
  expect(provedAtOf(claims)).toBe(expected);
});

test.each([
  ["amr with mfa", { amr: ["pwd", "mfa"] }, true],
  ["amr without it", { amr: ["pwd"] }, false],
  ["Clerk's age of a second factor", { iat, fva: [3, 0] }, true],
  ["Clerk's -1", { iat, fva: [3, -1] }, false],
  ["nothing", { iat }, false],
])("whether an issuer says that there was a second factor, by %s", (_, claims, expected) => {
  expect(hasSecondFactor(claims)).toBe(expected);
});
