import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import type { Script } from "#test/issuer-server.ts";
import {
  type KeyPair,
  newIssuer,
  newKeyPair,
  newOrganization,
  newPerson,
  rsaKeyPair,
  type Session,
  signed,
  type TestIssuer,
} from "#test/outside.ts";
import { newTenant, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const dayMs = 24 * 60 * minuteMs;

let issuer: TestIssuer;
let tenant: TestTenant;
let session: Session;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  issuer = await newIssuer({}, await newKeyPair("ES256"));
  tenant = await newTenant();
  const organization = await newOrganization(issuer, tenant);
  const subject = await newPerson(issuer, organization, tenant, "viewer");
  session = { organization, subject, role: "org:guest" };
});

afterEach(() => void vi.useRealTimers());

/** How a key set can be had badly. */
const bad: Readonly<Record<string, () => Promise<Partial<Script>>>> = {
  "500": async () => ({ status: 500 }),
  "404 with the keys": async () => ({ status: 404, body: await keySet(issuer.keys) }),
  "201 with the keys": async () => ({ status: 201, body: await keySet(issuer.keys) }),
  "204": async () => ({ status: 204 }),
  "a redirect to where they are": async () => redirect(302),
  "a permanent redirect": async () => redirect(308),
  nothing: async () => ({ body: "" }),
  "what is no JSON": async () => ({ body: "<html>down for maintenance</html>" }),
  "JSON that is no key set": async () => ({ body: JSON.stringify([issuer.keys.publicJwk]) }),
  "a key set that is no list": async () => ({ body: '{"keys":{}}' }),
  "an empty key set": async () => ({ body: '{"keys":[]}' }),
  "a key set that white space makes larger than 64 kB": async () => ({
    body: (await keySet(issuer.keys)).padEnd(64 * 1024 + 1),
  }),
  "megabytes of keys": async () => ({ body: JSON.stringify(issuer.keys.publicJwk), repeat: 10_000 }),
  "an answer that takes longer than three seconds": async () => ({
    body: await keySet(issuer.keys),
    holdMs: 6_000,
  }),
  "an answer that stalls in its middle": async () => ({
    body: await keySet(issuer.keys),
    holdMs: 6_000,
    drips: true,
  }),
  "a private key among them": async () => withKey(issuer.keys.privateJwk),
  "a symmetric key among them": async () => withKey({ kty: "oct", k: "c2VjcmV0", kid: "hmac", alg: "HS256" }),
  "a key of one kid twice": async () => withKey({ ...issuer.keys.publicJwk }),
  "a key without a kid": async () => withKey({ ...(await rsaKeyPair()).publicJwk, kid: undefined }),
  "an RSA key of 1024 bits": async () => withKey(await weakKey({ n: `z${"A".repeat(170)}` })),
  "an RSA key with e = 1": async () => withKey(await weakKey({ e: "AQ" })),
  "an RSA key that can be factored (ROCA)": async () => withKey(await weakKey({ n: rocaModulus })),
};

for (const [what, script] of Object.entries(bad)) {
  test(`keys that come as ${what} are not taken in, and the last good ones serve on`, async () => {
    await issuer.answer(await script());
    const first = await ask();
    expect([first.status, first.json?.type, first.headers.get("retry-after")]).toEqual([
      503,
      "/problems/unavailable",
      "60",
    ]);
    expect((await ask()).status, "within the cool-down nobody is asked").toBe(503);
    expect(await issuer.timesAsked()).toBe(1);

    await issuer.publish(issuer.keys);
    vi.setSystemTime(Date.now() + minuteMs);
    expect((await ask()).status).toBe(200);
    expect(await issuer.timesAsked()).toBe(2);

    await issuer.answer(await script());
    vi.setSystemTime(Date.now() + 10 * minuteMs);
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    expect(await issuer.timesAsked()).toBe(3);
  });
}

test("what is behind a redirect is never asked for", async () => {
  const elsewhere = await newIssuer({}, issuer.keys);
  await issuer.answer({ status: 302, headers: { Location: `https://${elsewhere.host}/jwks.json` } });
  expect((await ask()).status).toBe(503);
  expect(await elsewhere.timesAsked()).toBe(0);
});

test("last good keys serve for a day without their issuer, and no longer", async () => {
  expect((await ask()).status).toBe(200);
  await issuer.answer({ status: 503 });
  vi.setSystemTime(Date.now() + dayMs - minuteMs);
  expect((await ask()).status).toBe(200);
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await ask()).status).toBe(503);
  await issuer.publish(issuer.keys);
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await ask()).status).toBe(200);
});

test("a new key is taken at its first token once the cool-down is over, and the old one until it is withdrawn", async () => {
  const next = await newKeyPair("RS256");
  expect((await ask()).status).toBe(200);
  await issuer.publish(issuer.keys, next);
  expect((await ask(next)).status, "asked less than a minute ago").toBe(401);
  vi.setSystemTime(Date.now() + minuteMs);
  expect([(await ask(next)).status, (await ask()).status]).toEqual([200, 200]);
  await issuer.publish(next);
  vi.setSystemTime(Date.now() + 10 * minuteMs - 1);
  expect([(await ask(next)).status, (await ask()).status]).toEqual([200, 200]);
  vi.setSystemTime(Date.now() + 1);
  expect([(await ask(next)).status, (await ask()).status]).toEqual([200, 401]);
  expect(await issuer.timesAsked()).toBe(3);
});

test("kids that strangers invent make us ask at most once a minute", async () => {
  expect((await ask()).status).toBe(200);
  const invented = async () =>
    await signed(issuer.keys, issuer.claims(session), { kid: crypto.randomUUID() });
  for (let minute = 1; minute <= 3; minute += 1) {
    for (let count = 0; count < 10; count += 1) expect((await askWith(await invented())).status).toBe(401);
    expect(await issuer.timesAsked()).toBe(minute);
    vi.setSystemTime(Date.now() + minuteMs);
  }
  expect((await ask()).status).toBe(200);
  expect(await issuer.timesAsked(), "the known kid asks nobody").toBe(3);
});

test("many first requests at once ask once, and wait for the answer", async () => {
  await issuer.answer({ body: await keySet(issuer.keys), holdMs: 300 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(await issuer.timesAsked()).toBe(1);
});

test("while stale keys are being read anew, they serve whoever comes meanwhile", async () => {
  expect((await ask()).status).toBe(200);
  await issuer.answer({ body: await keySet(issuer.keys), holdMs: 6_000 });
  vi.setSystemTime(Date.now() + 10 * minuteMs);
  let isRead = false;
  const reader = ask().then(({ status }) => {
    isRead = true;
    return status;
  });
  while ((await issuer.timesAsked()) < 2) await ask();
  expect([(await ask()).status, isRead]).toEqual([200, false]);
  expect(await reader).toBe(200);
});

test("keys for encryption, and of kinds unheard of, are left out of a set that is taken", async () => {
  const others = [
    { ...(await rsaKeyPair()).publicJwk, kid: "enc", use: "enc" },
    { kty: "AKP", alg: "ML-DSA-44", kid: "pq", pub: "AAAA" },
  ];
  await issuer.answer({ body: JSON.stringify({ keys: [...others, issuer.keys.publicJwk] }) });
  expect((await ask()).status).toBe(200);
  const pair = await rsaKeyPair();
  expect((await askWith(await signed(pair, issuer.claims(session), { kid: "enc" }))).status).toBe(401);
});

test("of two issuers each has its own keys, even where their kids are the same", async () => {
  const kid = issuer.keys.publicJwk.kid;
  const pair = await newKeyPair("ES256");
  const twin: KeyPair = {
    publicJwk: { ...pair.publicJwk, kid },
    privateJwk: { ...pair.privateJwk, kid },
  };
  const other = await newIssuer({}, twin);
  const env = issuer.env({}, other);
  const ping = async (as: string) => (await call("tenants.ping", { tenant: tenant.slug, as, env })).status;
  expect(await ping(await signed(issuer.keys, issuer.claims(session)))).toBe(200);
  expect(await ping(await signed(twin, issuer.claims(session)))).toBe(401);
  expect(await ping(await signed(issuer.keys, other.claims(session)))).toBe(401);
});

async function ask(pair: KeyPair = issuer.keys) {
  return await askWith(await signed(pair, issuer.claims(session)));
}

function askWith(as: string) {
  return call("tenants.ping", { tenant: tenant.slug, as, env: issuer.env() });
}

async function keySet(...pairs: readonly KeyPair[]): Promise<string> {
  return JSON.stringify({ keys: pairs.map(({ publicJwk }) => publicJwk) });
}

async function redirect(status: number): Promise<Partial<Script>> {
  const elsewhere = await newIssuer({}, issuer.keys);
  return { status, headers: { Location: `https://${elsewhere.host}/.well-known/jwks.json` } };
}

function withKey(jwk: object): Partial<Script> {
  return { body: JSON.stringify({ keys: [issuer.keys.publicJwk, jwk] }) };
}

async function weakKey(changes: object): Promise<object> {
  return { ...(await rsaKeyPair()).publicJwk, kid: "weak", ...changes };
}

// Made as Infineon's library did it: 65537 to some power, modulo the product of the fingerprint's primes, and made long
// by adding a multiple of that product.
const rocaModulus = (() => {
  const primes = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
  ];
  const product = primes.reduce((all, prime) => all * BigInt(prime), 2n);
  let modulus = 1n;
  for (let power = 0; power < 12_345; power += 1) modulus = (modulus * 65537n) % product;
  modulus += product * ((1n << 2047n) / product + 1n);
  const hex = modulus.toString(16).padStart(512, "0");
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
})();
