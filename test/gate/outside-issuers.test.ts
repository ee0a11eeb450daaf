import { expect, test } from "vitest";
import { isSubset, listOf, maskOf } from "#gate/capabilities.ts";
import { maskOfClaims, type OutsideIssuer, outsideIssuers, termsOf } from "#gate/outside-issuers.ts";
import { clientOf } from "#test/client.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { envWith, newTenant } from "#test/world.ts";

const entry = {
  name: "clerk",
  issuer: "https://clerk.keyline.example",
  authorizedParties: ["https://app.keyline.example"],
  roles: { "org:admin": "admin", "org:member": { role: "staff", allLocations: true }, guest: "employee" },
};

test("no issuer is configured unless the operator does", () => {
  expect(issuersOf(undefined)).toEqual([]);
  expect(issuersOf([])).toEqual([]);
});

test("Clerk's form and the place of its keys go without saying", () => {
  expect(issuersOf([entry])).toMatchObject([
    {
      claims: "clerk",
      audience: null,
      jwksUrl: "https://clerk.keyline.example/.well-known/jwks.json",
    },
  ]);
});

test("a role is the same with Clerk's prefix and without, and reaches as far as configured", () => {
  const issuer = only(entry);
  for (const name of ["org:admin", "admin"])
    expect(termsOf(issuer, name)).toEqual({ role: "admin", allLocations: true });
  expect(termsOf(issuer, "member")).toEqual({ role: "staff", allLocations: true });
  expect(termsOf(issuer, "org:guest")).toEqual({ role: "staff", allLocations: false });
  for (const name of [null, "", "org:", "owner", "org:org:admin", "constructor", "__proto__"])
    expect([name, termsOf(issuer, name)]).toEqual([name, null]);
});

test("claims allow what their role and permissions are mapped to, and unknown ones nothing", () => {
  const issuer = only({ ...entry, permissions: { "org:bills:read": ["invoices:read", "payments:read"] } });
  const said = (role: string | null, ...permissions: string[]) =>
    listOf(maskOfClaims(issuer, { organization: "o", role, permissions })).toSorted();
  expect(said("admin")).toEqual([...roleTable.admin].toSorted());
  expect(said(null)).toEqual([]);
  expect(said("nobody", "org:unheard:of", "toString")).toEqual([]);
  expect(said("nobody", "org:bills:read")).toEqual(["invoices:read", "payments:read"]);
  const both = maskOfClaims(issuer, { organization: "o", role: "member", permissions: ["org:bills:read"] });
  expect(isSubset(maskOf(["invoices:read", "orders:write"]), both)).toBe(true);
});

const malformed: Readonly<Record<string, unknown>> = {
  "no list": entry,
  "an unknown field": [{ ...entry, secret: "x" }],
  "a role that is none of ours": [{ ...entry, roles: { "org:admin": "superuser" } }],
  "no roles": [{ ...entry, roles: undefined }],
  "a capability that is none of ours": [{ ...entry, permissions: { x: ["orders:everything"] } }],
  "a name for no URL": [{ ...entry, name: "Clerk/1" }],
  "two of one name": [entry, { ...entry, issuer: "https://other.example" }],
  "two of one issuer": [entry, { ...entry, name: "other" }],
  ourselves: [{ ...entry, issuer: "https://api.keyline.example" }],
  "an issuer over http": [{ ...entry, issuer: "http://clerk.keyline.example" }],
  "an issuer on this machine": [{ ...entry, issuer: "http://localhost:9999" }],
  "an issuer with a query": [{ ...entry, issuer: "https://clerk.keyline.example?x" }],
  "an issuer that is no URL": [{ ...entry, issuer: "clerk.keyline.example" }],
  "keys over http": [{ ...entry, jwksUrl: "http://clerk.keyline.example/jwks" }],
  "keys on this machine": [{ ...entry, jwksUrl: "http://127.0.0.1:9999/jwks" }],
  "keys in a file": [{ ...entry, jwksUrl: "file:///etc/keys" }],
  "keys behind a password": [{ ...entry, jwksUrl: "https://a:b@clerk.keyline.example/jwks" }],
  "Clerk without its front ends": [{ ...entry, authorizedParties: [], audience: "x" }],
  "another form without front ends or audience": [
    { ...entry, authorizedParties: [], claims: { organization: "/org", role: "/role" } },
  ],
  "a pointer that is none": [{ ...entry, claims: { organization: "org", role: "/role" } }],
};

for (const [what, value] of Object.entries(malformed)) {
  test(`${what}: the configuration is refused, and says what it is`, () => {
    expect(() => issuersOf(value)).toThrow("OUTSIDE_ISSUERS is malformed: ");
  });
}

test("what is no JSON is refused", () => {
  expect(() => outsideIssuers({ ...origin, OUTSIDE_ISSUERS: "[{" })).toThrow("OUTSIDE_ISSUERS is malformed");
});

test("on one's own machine an issuer may be there too, over http", () => {
  const local = { ...entry, issuer: "http://localhost:9999", jwksUrl: "http://127.0.0.1:9999/jwks" };
  const vars = { PUBLIC_ORIGIN: "http://localhost:8787", OUTSIDE_ISSUERS: JSON.stringify([local]) };
  expect(outsideIssuers(vars)).toHaveLength(1);
  const elsewhere = [{ ...entry, jwksUrl: "http://clerk.keyline.example/jwks" }];
  expect(() => outsideIssuers({ ...vars, OUTSIDE_ISSUERS: JSON.stringify(elsewhere) })).toThrow("malformed");
});

test("a deployment with a malformed issuer or secret is not ready, and says what to do without saying the secret", async () => {
  const { call } = clientOf();
  await newTenant();
  const vars = [
    { OUTSIDE_ISSUERS: "[{}]" },
    { OUTSIDE_ISSUER_SECRETS: "clerk:hunter2" },
    { OUTSIDE_ISSUER_SECRETS: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  ];
  for (const changes of vars) {
    const answer = await call("system.ready", { env: envWith(changes) });
    expect([answer.status, answer.json.errors]).toEqual([
      503,
      [{ parameter: "outside issuers", detail: expect.stringContaining("OUTSIDE_ISSUER") }],
    ]);
    expect(answer.text).not.toMatch(/hunter2|MfKQ/);
  }
});

const origin = { PUBLIC_ORIGIN: "https://api.keyline.example" };

function issuersOf(value: unknown) {
  return outsideIssuers(value === undefined ? origin : { ...origin, OUTSIDE_ISSUERS: JSON.stringify(value) });
}

function only(value: object): OutsideIssuer {
  const [issuer] = issuersOf([value]);
  if (!issuer) throw new Error("There is none.");
  return issuer;
}
