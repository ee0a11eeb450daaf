import { exportSPKI, importJWK } from "jose";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { openDirectory } from "#db/directory.ts";
import { signingKeys } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { clientOf } from "#test/client.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import {
  frontEnd,
  newIssuer,
  newKeyPair,
  newOrganization,
  newPerson,
  rsaKeyPair,
  type Session,
  signed,
  type TestIssuer,
} from "#test/outside.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

let issuer: TestIssuer;
let tenant: TestTenant;
let owner: Session;

beforeAll(async () => {
  issuer = await newIssuer();
  tenant = await newTenant();
  const organization = await newOrganization(issuer, tenant);
  const subject = await newPerson(issuer, organization, tenant, "owner");
  owner = { organization, subject, role: "org:admin" };
});

afterEach(() => void vi.useRealTimers());

for (const version of [1, 2] as const) {
  for (const alg of ["RS256", "ES256"]) {
    test(`Clerk's session token of version ${version}, ${alg}, lets its member in, and what they do is theirs`, async () => {
      const keys = alg === "RS256" ? await rsaKeyPair() : await newKeyPair(alg);
      const own = await newIssuer({}, keys);
      const place = await newTenant();
      const organization = await newOrganization(own, place);
      const subject = await newPerson(own, organization, place, "manager");
      const as = await own.token({ organization, subject, role: "org:admin", version });
      const pinged = await call("tenants.ping", { tenant: place.slug, as, env: own.env() });
      expect([pinged.status, pinged.json.principal]).toEqual([200, place.memberIds.manager]);
      const made = await call("customers.create", {
        tenant: place.tenantId,
        as,
        env: own.env(),
        body: { name: "Ada" },
      });
      expect(made.status).toBe(201);
      const [row] = await rowsOf(
        place.cell.database,
        "select actor_kind, actor_id from audit_log where tenant_id = ? and operation = 'customers.create'",
        place.tenantId,
      );
      expect(row).toEqual({ actor_kind: "member", actor_id: place.memberIds.manager });
    });
  }
}

test("an outside token and one of ours are one member's, with one limit", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const place = await newTenant();
  const organization = await newOrganization(issuer, place);
  const subject = await newPerson(issuer, organization, place, "owner");
  const outside = await issuer.token({ organization, subject, role: "org:boss" });
  const rates: (string | null)[] = [];
  for (const as of [outside, await memberToken(place, "owner"), outside])
    rates.push((await ping(as, place)).headers.get("ratelimit"));
  expect(rates.map((rate) => /r=(\d+)/.exec(rate ?? "")?.[1])).toEqual(["999", "998", "997"]);
});

/** What is wrong with a token, and how such a one is made. */
const wrong: Readonly<Record<string, () => Promise<string>>> = {
  "an issuer that nobody configured": () => token({ iss: "https://clerk.elsewhere.example" }),
  "the issuer with a slash more": () => token({ iss: `${issuer.entry.issuer}/` }),
  "the issuer in capitals": () => token({ iss: issuer.entry.issuer.toUpperCase() }),
  "no issuer": () => token({ iss: undefined }),
  "an issuer among others": () => token({ iss: [issuer.entry.issuer] }),
  "an audience, where none is ours": () => token({ aud: "https://api.elsewhere.example" }),
  "another front end's azp": () => token({ azp: "https://evil.example" }),
  "an azp that only begins like ours": () => token({ azp: `${frontEnd}.evil.example` }),
  "no azp": () => token({ azp: undefined }),
  "an azp that is a list": () => token({ azp: [frontEnd] }),
  "no exp": () => token({ exp: undefined }),
  "an exp of text": () => token({ exp: String(seconds() + 60) }),
  "an exp long past": () => token({ iat: seconds() - 120, nbf: seconds() - 120, exp: seconds() - 60 }),
  "no iat": () => token({ iat: undefined }),
  "an iat to come": () => token({ iat: seconds() + 30, exp: seconds() + 60 }),
  "an nbf to come": () => token({ nbf: seconds() + 30 }),
  "a life of more than an hour": () => token({ exp: seconds() + 3602 }),
  "no subject": () => token({ sub: undefined }),
  "an empty subject": () => token({ sub: "" }),
  "no organization": () => token({ o: undefined }),
  "an organization without an id": () => token({ o: { rol: "admin" } }),
  "the organization of version 1 in one of version 2": () =>
    token({ o: undefined, org_id: owner.organization, org_role: "org:admin" }),
  "the organization of version 2 in one of version 1": () => token({ v: undefined }),
  "a version that there is not yet": () => token({ v: 3 }),
  "an actor who is not the subject": () => token({ act: { sub: "user_support" } }),
  "a session that is pending": () => token({ sts: "pending" }),
  "the type of an access token": () => issuer.token(owner, {}, { typ: "at+jwt" }),
  "a critical header": () => issuer.token(owner, {}, { crit: ["b64"], b64: true }),
  "no kid": () => issuer.token(owner, {}, { kid: undefined }),
  "a kid that is a number": () => issuer.token(owner, {}, { kid: 7 }),
  "a signature by another key under the kid": async () =>
    signed(await stranger(), issuer.claims(owner), { kid: issuer.keys.publicJwk.kid }),
  "its own key in the header": async () => {
    const { publicJwk } = await stranger();
    const header = { jwk: publicJwk, kid: issuer.keys.publicJwk.kid };
    return signed(await stranger(), issuer.claims(owner), header);
  },
  "an algorithm that is not for these tokens": async () => {
    const { publicJwk, privateJwk } = issuer.keys;
    const pair = { publicJwk, privateJwk: { ...privateJwk, alg: "RS512" } };
    return signed(pair, issuer.claims(owner));
  },
  "alg none": async () =>
    `${segment({ alg: "none", typ: "JWT", kid: issuer.keys.publicJwk.kid })}.${claimed()}.`,
  "alg none and the old signature": async () => {
    const [, , signature] = (await issuer.token(owner)).split(".");
    return `${segment({ alg: "none", typ: "JWT", kid: issuer.keys.publicJwk.kid })}.${claimed()}.${signature}`;
  },
  "HMAC with the public key as PEM": async () =>
    hmacToken(utf8(await exportSPKI((await importJWK(issuer.keys.publicJwk, "RS256")) as CryptoKey))),
  "HMAC with the public key as JWK": async () => hmacToken(utf8(JSON.stringify(issuer.keys.publicJwk))),
  "HMAC with the modulus": async () => hmacToken(utf8(String(issuer.keys.publicJwk.n))),
  "other claims than were signed": async () => {
    const [header, , signature] = (await issuer.token(owner)).split(".");
    return `${header}.${segment(issuer.claims(owner, { sub: "user_other" }))}.${signature}`;
  },
  "a segment more": async () => `${await issuer.token(owner)}.e30`,
  "a signature spelt with another last bit": async () => {
    const text = await issuer.token(owner);
    const last = text.slice(-1);
    return text.slice(0, -1) + ({ A: "B", Q: "R", g: "h", w: "x" }[last] ?? "=");
  },
  "claims that are a list": () => signed(issuer.keys, "[]"),
  "claims with iss twice, ours last": () =>
    signed(
      issuer.keys,
      JSON.stringify(issuer.claims(owner)).replace(/}$/, `,"iss":"${testEnv().PUBLIC_ORIGIN}"}`),
    ),
  "our kid and our signature under its iss": async () => ourToken({ iss: issuer.entry.issuer }),
  "our iss under its kid and signature": () => token({ iss: testEnv().PUBLIC_ORIGIN }),
};

for (const [what, make] of Object.entries(wrong)) {
  test(`a token with ${what} is refused, and no store and no gate is asked`, async () => {
    const { env, counts, reset } = counted();
    const both = { ...issuerVars(issuer), ...bindingsOf(env) };
    await ping(await issuer.token(owner), tenant, both);
    const text = await make();
    reset();
    const answer = await ping(text, tenant, both);
    expect([answer.status, answer.json.type], text).toEqual([401, "/problems/unauthorized"]);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect([counts.trips, counts.objects]).toEqual([[], []]);
  });
}

test("an audience that is configured must be the token's, alone or among others", async () => {
  const own = await newIssuer({ audience: "https://api.keyline.example" });
  const organization = await newOrganization(own, tenant);
  const subject = await newPerson(own, organization, tenant, "viewer");
  const status = async (changes: object) => {
    const as = await own.token({ organization, subject, role: "org:guest" }, changes);
    return (await ping(as, tenant, issuerVars(own))).status;
  };
  expect(await status({ aud: "https://api.keyline.example" })).toBe(200);
  expect(await status({ aud: ["https://a.example", "https://api.keyline.example"] })).toBe(200);
  for (const aud of [undefined, "https://api.keyline.example/", [], ["https://a.example"], 1])
    expect([aud, await status({ aud })]).toEqual([aud, 401]);
});

test("clocks may differ by five seconds and no more", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const start = Math.ceil(Date.now() / secondMs) * secondMs;
  vi.setSystemTime(start);
  const as = await issuer.token(owner, { nbf: undefined });
  const statusAt = async (ms: number) => {
    vi.setSystemTime(start + ms);
    return (await ping(as, tenant)).status;
  };
  expect(await statusAt(-5 * secondMs)).toBe(200);
  expect(await statusAt(-5 * secondMs - 1)).toBe(401);
  expect(await statusAt(65 * secondMs - 1)).toBe(200);
  expect(await statusAt(65 * secondMs)).toBe(401);
});

test("a token of another organization reaches that one's tenant and no other", async () => {
  const theirs = await newTenant();
  const organization = await newOrganization(issuer, theirs);
  const subject = await newPerson(issuer, organization, theirs, "owner");
  const as = await issuer.token({ organization, subject, role: "org:admin" });
  expect((await ping(as, theirs)).status).toBe(200);
  for (const place of [tenant.slug, tenant.tenantId]) {
    const answer = await call("orders.list", { tenant: place, as, env: issuer.env() });
    expect([answer.status, answer.json.type]).toEqual([404, "/problems/not-found"]);
  }
  // One person, two organizations: each token leads to its own.
  const both = await issuer.token({ ...owner, organization });
  expect((await ping(both, theirs)).status, "not a member there").toBe(401);
});

test("of an issuer that is known but not linked here, and of another's subject of the same name, nobody gets in", async () => {
  const other = await newIssuer();
  const env = issuer.env({}, other);
  const as = await other.token(owner);
  expect((await call("tenants.ping", { tenant: tenant.slug, as, env })).status).toBe(401);
  const organization = await newOrganization(other, await newTenant());
  const elsewhere = await other.token({ ...owner, organization });
  expect((await call("tenants.ping", { tenant: tenant.slug, as: elsewhere, env })).status).toBe(401);
});

test("a member is found by one read of the directory, which serves a minute, and one hop", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { env, counts, reset } = counted();
  const vars = { ...issuerVars(issuer), ...bindingsOf(env) };
  const read = async (session: Session, expected: number) => {
    reset();
    const answer = await call("orders.list", {
      tenant: tenant.slug,
      as: await issuer.token(session),
      env: issuer.env(vars),
    });
    const texts = counts.trips.filter((trip) => trip.join().includes("outside_organization_claims"));
    return [answer.status, texts.length, counts.trips.length, counts.hops.length, expected];
  };
  await call("tenants.ping", { tenant: tenant.slug, as: tenant.key, env });
  expect(await read(owner, 200)).toEqual([200, 1, 2, 1, 200]);
  for (const after of [0, minuteMs - 1]) {
    vi.setSystemTime(Date.now() + after);
    expect(await read(owner, 200)).toEqual([200, 0, 1, 1, 200]);
  }
  vi.setSystemTime(Date.now() + 1);
  expect(await read(owner, 200)).toEqual([200, 1, 2, 1, 200]);
});

test("that somebody is no member, or an organization unknown, is known for ten seconds", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { env, counts, reset } = counted();
  const vars = { ...issuerVars(issuer), ...bindingsOf(env) };
  const tries = async (...sessions: Session[]) => {
    reset();
    for (const session of sessions)
      expect((await ping(await issuer.token(session), tenant, vars)).status).toBe(401);
    return [counts.trips.length, counts.hops.length];
  };
  await call("tenants.ping", { tenant: tenant.slug, as: tenant.key, env });
  const nobody = { ...owner, subject: "user_nobody" };
  const nowhere = { ...owner, organization: "org_nowhere" };
  expect(await tries(nobody, nobody, nobody)).toEqual([1, 0]);
  // The organization is unknown, whoever asks.
  expect(await tries(nowhere, { ...nowhere, subject: "user_2" }, { ...nowhere, subject: "user_3" })).toEqual([
    1, 0,
  ]);
  vi.setSystemTime(Date.now() + 10 * secondMs - 1);
  expect(await tries(nobody, nowhere)).toEqual([0, 0]);
  vi.setSystemTime(Date.now() + 1);
  expect(await tries(nobody, nowhere)).toEqual([2, 0]);
});

test("a person whom the directory knows to be gone asks no gate", async () => {
  const { env, counts, reset } = counted();
  const subject = await newPerson(issuer, owner.organization, tenant, "viewer");
  await rowsOf(
    testEnv().DIRECTORY,
    "update outside_identities set state = 'ended' where id = (select identity_id from outside_member_index order by id desc limit 1)",
  );
  reset();
  const as = await issuer.token({ ...owner, subject });
  expect((await ping(as, tenant, { ...issuerVars(issuer), ...bindingsOf(env) })).status).toBe(401);
  expect(counts.hops).toEqual([]);
});

function ping(as: string, { slug }: TestTenant, vars: Readonly<Record<string, unknown>> = {}) {
  return call("tenants.ping", { tenant: slug, as, env: issuer.env(vars) });
}

function token(changes: object): Promise<string> {
  return issuer.token(owner, changes);
}

function issuerVars(of: TestIssuer): Record<string, unknown> {
  return { OUTSIDE_ISSUERS: JSON.stringify([of.entry]) };
}

function bindingsOf(env: ReturnType<typeof counted>["env"]): Record<string, unknown> {
  const { DIRECTORY, GATES, CELL_US1 } = env;
  return { DIRECTORY, GATES, CELL_US1 };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function segment(json: object): string {
  return encodeBase64Url(utf8(JSON.stringify(json)));
}

function claimed(): string {
  return segment(issuer.claims(owner));
}

async function hmacToken(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const text = `${segment({ alg: "HS256", typ: "JWT", kid: issuer.keys.publicJwk.kid })}.${claimed()}`;
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return `${text}.${encodeBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(text))))}`;
}

let other: ReturnType<typeof newKeyPair> | undefined;

function stranger() {
  other ??= newKeyPair("RS256");
  return other;
}

/** Signed with the directory's own key, as an access token is. */
async function ourToken(changes: object): Promise<string> {
  const { keys } = await (await openDirectory(testEnv())).read({ keys: many(signingKeys, { limit: 1 }) });
  const privateJwk = JSON.parse(keys[0]?.privateJwk ?? "null");
  return await signed({ publicJwk: privateJwk, privateJwk }, issuer.claims(owner, changes));
}
