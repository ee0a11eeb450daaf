import { afterEach, expect, test, vi } from "vitest";
import { openDirectory } from "#db/directory.ts";
import { platformTenant, signingKeys } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { peppersOf } from "#jobs/old-peppers.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { dayMs, hourMs, minuteMs, monthOf, secondMs, timestamp } from "#lib/time.ts";
import { cellsOf } from "#platform/cells.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { pepperVersionOf } from "#test/db/rotations.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { accessClaims, signAccessToken } from "#test/token-issuer.ts";
import { envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();
const month = 30 * dayMs;

afterEach(() => void vi.useRealTimers());

test("ten first runs at once make one pepper, one key of each kind that signs, and one key to seal them", async () => {
  const now = Date.now();
  await Promise.all(Array.from({ length: 10 }, () => ensureDirectoryKeys(testEnv(), now)));
  const [peppers, keys, headKeys, tenantKeys, audit] = await Promise.all(
    ["key_peppers", "signing_keys", "checkpoint_keys", "tenant_keys", "audit_log"].map((table) =>
      rowsOf(testEnv().DIRECTORY, `select * from ${table} where tenant_id = ?`, platformTenant),
    ),
  );
  expect([peppers, keys, headKeys, tenantKeys].map((rows) => rows?.length)).toEqual([1, 1, 1, 1]);
  // Of one month, or of two at the end of one.
  const told = audit?.filter(({ entity }) => entity !== "stranger-month") ?? [];
  expect((audit?.length ?? 0) - told.length).toBe(new Set([now, now + 2 * dayMs].map(monthOf)).size);
  expect(told.map(({ entity, actor_kind, operation }) => [entity, actor_kind, operation])).toEqual([
    ["key-pepper", "system", "jobs.directory-keys"],
    ["signing-key", "system", "jobs.directory-keys"],
    ["checkpoint-key", "system", "jobs.directory-keys"],
  ]);
  await ensureDirectoryKeys(testEnv(), now + minuteMs);
  expect(await keyRows()).toHaveLength(1);
});

test("what signs the audit's heads has a successor after a year, and is told of for ever", async () => {
  const headKeys = () =>
    rowsOf<{ public_key: string; seed: string }>(
      testEnv().DIRECTORY,
      "select public_key, seed from checkpoint_keys order by id",
    );
  const before = await headKeys();
  expect(before.at(-1)?.seed).toMatch(/^v1\.tky_/);
  await ensureDirectoryKeys(testEnv(), Date.now() + 364 * dayMs);
  expect(await headKeys()).toEqual(before);
  const due = Date.now() + 366 * dayMs;
  await Promise.all(Array.from({ length: 10 }, () => ensureDirectoryKeys(testEnv(), due)));
  const after = await headKeys();
  expect(after.slice(0, -1)).toEqual(before);
  expect(new Set(after.map(({ public_key: key }) => key)).size).toBe(before.length + 1);
});

test("private keys and peppers lie sealed in the directory, public keys in the open", async () => {
  await newEra();
  const { DIRECTORY } = testEnv();
  const [stored] = await rowsOf<{ private_jwk: string; public_jwk: string }>(
    DIRECTORY,
    "select * from signing_keys order by id desc limit 1",
  );
  const [pepper] = await rowsOf<{ pepper: string }>(DIRECTORY, "select pepper from key_peppers");
  expect(stored?.private_jwk).toMatch(/^v1\.tky_/);
  expect(pepper?.pepper).toMatch(/^v1\.tky_/);
  const key = await newestKey();
  const { d, ...publicPart } = JSON.parse(key.privateJwk);
  expect(d).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(JSON.parse(stored?.public_jwk ?? "")).toEqual(publicPart);
  const everything = await Promise.all(
    ["signing_keys", "audit_log", "events", "commits"].map((table) =>
      rowsOf(DIRECTORY, `select * from ${table}`),
    ),
  );
  expect(JSON.stringify(everything)).not.toContain(d);
});

test("a signing key gets one successor an hour before its month is over, however many runners see it", async () => {
  const start = await newEra();
  const before = (await keyRows()).length;
  const first = await newestKey();
  expect([first.signsFrom, first.expiresAt]).toEqual([timestamp(start), timestamp(start + month + hourMs)]);
  await ensureDirectoryKeys(testEnv(), start + month - hourMs - 1);
  expect((await keyRows()).length).toBe(before);

  const now = start + month - hourMs;
  await Promise.all(Array.from({ length: 10 }, (_, index) => ensureDirectoryKeys(testEnv(), now + index)));
  expect((await keyRows()).length).toBe(before + 1);
  const successor = await newestKey();
  expect(successor.kid).not.toBe(first.kid);
  expect([successor.signsFrom, successor.expiresAt]).toEqual([
    timestamp(start + month),
    timestamp(start + 2 * month + hourMs),
  ]);
  await ensureDirectoryKeys(testEnv(), start + month + hourMs);
  expect((await keyRows()).length).toBe(before + 1);
});

test("after a pause of cron one key signs from now on, however many runners wake at once", async () => {
  const start = await newEra();
  const before = (await keyRows()).length;
  const late = start + 3 * month;
  await Promise.all(Array.from({ length: 10 }, (_, index) => ensureDirectoryKeys(testEnv(), late + index)));
  expect((await keyRows()).length).toBe(before + 1);
  const { signsFrom } = await newestKey();
  expect(Date.parse(signsFrom) - late).toBeLessThan(10);
});

test("the published keys are the old one, then both, then the new one", async () => {
  const start = await newEra();
  const old = await newestKey();
  const at = async (time: number) => {
    vi.setSystemTime(time);
    await ensureDirectoryKeys(testEnv(), time);
    const { status, json } = await call("system.jwks");
    expect(status).toBe(200);
    return json.keys as Record<string, unknown>[];
  };
  const kids = async (time: number) => (await at(time)).map(({ kid }) => kid);
  // A cache of ten minutes stands between the directory and what is answered.
  expect(await kids(start + 20 * dayMs)).toEqual([old.kid]);
  const both = await at(start + month - hourMs + 20 * minuteMs);
  const next = await newestKey();
  expect(both.map(({ kid }) => kid)).toEqual([next.kid, old.kid]);
  expect(both[0]).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
  for (const key of both) expect(Object.keys(key)).not.toContain("d");
  expect(await kids(start + month + hourMs - minuteMs)).toEqual([next.kid, old.kid]);
  expect(await kids(start + month + hourMs + 10 * minuteMs)).toEqual([next.kid]);
});

test("a token of the old key lives its five minutes through the change, and the new key's are taken at once", async () => {
  const start = await newEra();
  const tenant = await newTenant();
  const old = await newestKey();
  vi.setSystemTime(start + month - hourMs);
  await ensureDirectoryKeys(testEnv(), Date.now());
  const next = await newestKey();

  vi.setSystemTime(start + month - 1);
  const last = await tokenBy(old, tenant);
  expect(await statusOf(tenant, last)).toBe(200);
  vi.setSystemTime(start + month);
  const first = await tokenBy(next, tenant);
  expect([await statusOf(tenant, last), await statusOf(tenant, first)]).toEqual([200, 200]);
  vi.setSystemTime(start + month + 299 * secondMs);
  expect([await statusOf(tenant, last), await statusOf(tenant, first)]).toEqual([401, 200]);
});

test("what the old key signs after its end is worth nothing", async () => {
  const start = await newEra();
  const tenant = await newTenant();
  const old = await newestKey();
  vi.setSystemTime(start + month - hourMs);
  await ensureDirectoryKeys(testEnv(), Date.now());
  vi.setSystemTime(start + month + hourMs + 10 * minuteMs);
  expect(await statusOf(tenant, await tokenBy(old, tenant))).toBe(401);
  expect(await statusOf(tenant, await tokenBy(await newestKey(), tenant))).toBe(200);
});

test("a key that an isolate has not met is looked up, and a stranger's at most once a minute", async () => {
  const start = await newEra();
  const tenant = await newTenant();
  const { env, reads } = counted();
  const old = await newestKey();
  vi.setSystemTime(start + month - hourMs);
  expect(await statusOf(tenant, await tokenBy(old, tenant), env)).toBe(200);
  const once = reads();
  // Another isolate's cron publishes the successor.
  await ensureDirectoryKeys(testEnv(), Date.now());
  const next = await newestKey();
  const token = await tokenBy(next, tenant);
  vi.setSystemTime(Date.now() + minuteMs - 1);
  expect([await statusOf(tenant, token, env), reads()]).toEqual([401, once]);
  vi.setSystemTime(Date.now() + 1);
  expect([await statusOf(tenant, token, env), reads()]).toEqual([200, 2 * once]);
  const stranger = await signAccessToken({ ...JSON.parse(next.privateJwk), kid: "nobody" }, claimsOf(tenant));
  for (let calls = 0; calls < 5; calls += 1) expect(await statusOf(tenant, stranger, env)).toBe(401);
  expect(reads()).toBe(2 * once);
  vi.setSystemTime(Date.now() + minuteMs);
  for (let calls = 0; calls < 5; calls += 1) expect(await statusOf(tenant, stranger, env)).toBe(401);
  expect(reads()).toBe(3 * once);
});

test("a pepper has a successor after a year, which makes keys when every isolate has met it; the older go with their last key", async () => {
  const start = await newEra();
  vi.setSystemTime(start + hourMs);
  const tenant = await newTenant();
  const old = await newKey(tenant);
  const second = await newKey(tenant);
  const cronAt = async (time: number) => {
    vi.setSystemTime(time);
    await runScheduled(testEnv(), registry, time);
  };
  const versions = async () => {
    const rows = await rowsOf<{ version: number }>(
      testEnv().DIRECTORY,
      "select pepper_version as version from key_peppers order by pepper_version",
    );
    return rows.map(({ version }) => version);
  };
  const current = pepperVersionOf(old);
  expect((await versions()).at(-1)).toBe(current);

  const year = start + 365 * dayMs;
  await Promise.all([1, 2, 3].map((ms) => ensureDirectoryKeys(testEnv(), year + ms)));
  expect((await versions()).slice(-2)).toEqual([current, current + 1]);
  vi.setSystemTime(year + 59 * minuteMs);
  expect(pepperVersionOf(await newKey(tenant))).toBe(current);
  vi.setSystemTime(year + hourMs + 10 * minuteMs + 10);
  const made = await newKey(tenant);
  expect(pepperVersionOf(made)).toBe(current + 1);
  for (const key of [old, made]) expect(await statusOf(tenant, key)).toBe(200);

  // The seeded tenants' keys, and these, hold on to the older one.
  await cronAt(year + 2 * dayMs);
  expect(await versions()).toContain(current);
  for (const { database } of cellsOf(testEnv()))
    await database
      .prepare("update api_keys set expires_at = ? where pepper_version <= ? and id <> ?")
      .bind(timestamp(year + 3 * dayMs), current, idIn(second))
      .run();
  await cronAt(year + 3 * dayMs);
  expect(await versions()).toEqual([current, current + 1]);
  expect(await statusOf(tenant, second)).toBe(200);
  await call("api-keys.revoke", { tenant: tenant.slug, as: made, params: { apiKeyId: idIn(second) } });
  await cronAt(year + 3 * dayMs + minuteMs);
  expect(await versions()).toEqual([current + 1]);
  expect([await statusOf(tenant, made), await statusOf(tenant, second)]).toEqual([200, 401]);
});

test("of many runners that find one kind of key alone too old, one makes its successor and none fails", async () => {
  await newEra();
  const lives = { signing: 10 * 365 * dayMs, heads: 10 * 365 * dayMs, pepper: 10 * 365 * dayMs };
  const tables = { signing: "signing_keys", heads: "checkpoint_keys", pepper: "key_peppers" } as const;
  const counts = async () =>
    await Promise.all(
      Object.values(tables).map(
        async (table) => (await rowsOf(testEnv().DIRECTORY, `select id from ${table}`)).length,
      ),
    );
  let now = Date.now();
  for (const [index, kind] of (["signing", "heads", "pepper"] as const).entries()) {
    const before = await counts();
    now += 31 * dayMs;
    // The month's strangers are there before, so that nothing but this kind's own guard holds the ten.
    await ensureDirectoryKeys(testEnv(), now, lives);
    const due = { ...lives, [kind]: dayMs };
    await Promise.all(Array.from({ length: 10 }, (_, ms) => ensureDirectoryKeys(testEnv(), now + ms, due)));
    expect(await counts(), kind).toEqual(before.map((count, at) => count + (at === index ? 1 : 0)));
  }
  const months = async () =>
    (await rowsOf<{ month: string }>(testEnv().DIRECTORY, "select month from stranger_months")).length;
  const before = await months();
  // The tenth of a month that is yet to come: only what is due then is made.
  const tenth = Date.parse(`${monthOf(now + 62 * dayMs)}-10T00:00:00Z`);
  await Promise.all(Array.from({ length: 10 }, (_, ms) => ensureDirectoryKeys(testEnv(), tenth + ms, lives)));
  expect(await months()).toBe(before + 1);
});

test("however often a command rotates, no pepper and no key that signed a head drops out", async () => {
  const start = await newEra();
  vi.setSystemTime(start + hourMs);
  const tenant = await newTenant();
  const old = await newKey(tenant);
  const headKeys = async (): Promise<string[]> =>
    (await call("audit.keys")).json.keys.map(({ publicKey }: { publicKey: string }) => publicKey);
  const before = await headKeys();
  // As `keys rotate` asks, each day for a month: once it is granted, on the last.
  for (let day = 1; day <= 30; day += 1) await rotate(start + day * dayMs);
  vi.setSystemTime(start + month + dayMs);
  expect((await headKeys()).slice(1)).toEqual(before);
  for (let months = 2; months <= 60; months += 1) await rotate(start + months * month);
  vi.setSystemTime(start + 61 * month);
  expect((await headKeys()).slice(60)).toEqual(before);
  const { older } = await peppersOf(testEnv(), Date.now());
  expect(older.map(({ pepperVersion }) => pepperVersion)).toContain(pepperVersionOf(old));
  expect(await statusOf(tenant, old)).toBe(200);
});

async function rotate(at: number): Promise<void> {
  await ensureDirectoryKeys(testEnv(), at, { signing: dayMs, heads: dayMs, pepper: dayMs });
}

let era = Math.ceil(Date.now() / secondMs) * secondMs;

/** A time of its own for a test of the one directory: every key of earlier tests has ended, and one is new. */
async function newEra(): Promise<number> {
  era += 400 * dayMs;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(era);
  await ensureDirectoryKeys(testEnv(), era);
  return era;
}

type SigningKey = Row<typeof signingKeys>;

async function newestKey(): Promise<SigningKey> {
  const { keys } = await (await openDirectory(testEnv())).read({ keys: many(signingKeys, { limit: 1 }) });
  if (!keys[0]) throw new Error("The directory has no signing key.");
  return keys[0];
}

function keyRows() {
  return rowsOf(testEnv().DIRECTORY, "select kid from signing_keys where tenant_id = ?", platformTenant);
}

function claimsOf(tenant: TestTenant) {
  const { PUBLIC_ORIGIN: origin } = testEnv();
  return accessClaims(Math.floor(Date.now() / 1000), {
    iss: origin,
    aud: origin,
    tenant: tenant.tenantId,
    member: tenant.memberIds.owner,
  });
}

async function newKey(tenant: TestTenant): Promise<string> {
  const body = { name: "Of a time", scopes: ["orders:read", "api-keys:write"] };
  const { json } = await call("api-keys.create", {
    tenant: tenant.slug,
    as: tenant.key,
    body,
  });
  return json.key;
}

function idIn(key: string): string {
  return `key_${key.split("_")[3]}`;
}

function tokenBy({ privateJwk }: SigningKey, tenant: TestTenant): Promise<string> {
  return signAccessToken(JSON.parse(privateJwk), claimsOf(tenant));
}

async function statusOf(tenant: TestTenant, as: string, env: TestEnv = testEnv()): Promise<number> {
  return (await call("orders.list", { tenant: tenant.slug, as, env })).status;
}

/** An isolate of its own as far as the directory's keys go, whose reads of it are counted. */
function counted(): { env: TestEnv; reads: () => number } {
  let reads = 0;
  const directory = tapped(testEnv().DIRECTORY, (_texts, run) => {
    reads += 1;
    return run();
  });
  return { env: envWith({ DIRECTORY: directory }), reads: () => reads };
}
