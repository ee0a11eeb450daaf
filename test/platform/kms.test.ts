import { beforeEach, expect, test } from "vitest";
import { UnfaithfulWrap } from "#crypto/kek.ts";
import { keksOf } from "#db/keks.ts";
import { rewrapTenantKeys } from "#jobs/rewrap-tenant-keys.ts";
import { cellsOf } from "#platform/cells.ts";
import { KmsUnavailable } from "#platform/kms.ts";
import { clientOf } from "#test/client.ts";
import type { TestEnv } from "#test/env.ts";
import { createCustomer, person } from "#test/http/kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
// As the stand-in has them (test/kms-server.ts), which runs in Node.
const token = "hvs.of-the-tests";
const entry = { version: 7, address: "https://kms.test", key: "keyline" };
const address = { tenant: "ten_a", table: "tenant_keys", column: "wrapped", row: "tky_1" };
const key = new Uint8Array(32).fill(7);

beforeEach(() => script(null));

test("a key of a KMS wraps and unwraps, for its own address only, and the KMS sees no more than the 32 bytes", async () => {
  const keks = await keksOf(withKms({ KEYLINE_KEKS: "" }, [{ ...entry, namespace: "shops/eu" }]));
  expect(keks.currentVersion).toBe(7);
  const wrapped = await keks.wrap(key, address);
  expect(wrapped).toMatch(/^v1\.kek7\.kms\.[A-Za-z0-9_-]+$/);
  expect(await keks.unwrap(wrapped, address)).toEqual(key);
  const aad = btoa('["v1","ten_a","tenant_keys","wrapped","tky_1"]');
  expect(await asked()).toEqual([
    {
      path: "/v1/transit/encrypt/keyline",
      namespace: "shops/eu",
      body: { plaintext: key.toBase64(), associated_data: aad },
    },
    {
      path: "/v1/transit/decrypt/keyline",
      namespace: "shops/eu",
      body: { ciphertext: expect.stringMatching(/^vault:v1:/), associated_data: aad },
    },
    // Once to see that what was wrapped can be opened, and once to open it.
    expect.objectContaining({ path: "/v1/transit/decrypt/keyline" }),
  ]);
  await expect(keks.unwrap(wrapped, { ...address, tenant: "ten_b" })).rejects.toMatchObject({
    reason: "bad-tag",
  });
  await expect(keks.unwrap(`${wrapped.slice(0, -2)}AA`, address)).rejects.toMatchObject({
    reason: "bad-tag",
  });
  for (const malformed of ["v1.kek7.kms.", "v1.kek7.kms", `${wrapped}.`, wrapped.replace(".kms.", ".kmz.")])
    await expect(keks.unwrap(malformed, address), malformed).rejects.toMatchObject({ reason: "malformed" });
  // What a text of the same version would have wrapped is nothing that a KMS made.
  const ours = await (await keksOf(envWith({ KEYLINE_KEKS: `7:${"C".repeat(42)}A` }))).wrap(key, address);
  await expect(keks.unwrap(ours, address)).rejects.toMatchObject({ reason: "malformed" });
});

const failures = {
  "is away": { status: 503, body: '{"errors":["Vault is sealed"]}' },
  "refuses us": { status: 403, body: '{"errors":["permission denied"]}' },
  "has no such key": { status: 400, body: '{"errors":["encryption key not found"]}' },
  redirects: { status: 307, body: "" },
  "talks nonsense": { status: 200, body: "<html>" },
  "answers without a key": { status: 200, body: '{"data":{}}' },
  "sends without end": { status: 200, body: "x".repeat(70_000) },
};
for (const [what, failure] of Object.entries(failures)) {
  test(`a KMS that ${what} is unavailable: nothing is said to be forged, and no key is told in the error`, async () => {
    const keks = await keksOf(withKms({}, [entry]));
    const wrapped = await keks.wrap(key, address);
    await script(failure);
    for (const attempt of [() => keks.unwrap(wrapped, address), () => keks.wrap(key, address)]) {
      const error = await attempt().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(KmsUnavailable);
      expect(String(error)).not.toMatch(new RegExp(`${token}|html|${key.toBase64()}`));
    }
  });
}

for (const lies of ["text", "other key"]) {
  test(`a KMS that lies about what it wrapped (${lies}) destroys no key`, async () => {
    const tenant = await newTenant();
    const { json: customer } = await createCustomer(tenant);
    const env = withKms({}, [entry]);
    const before = await wrapOf(tenant);
    await script({ lies });
    await rewrapped(env);
    expect(await wrapOf(tenant)).toBe(before);
    const error = await (await keksOf(env)).wrap(key, address).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UnfaithfulWrap);
    expect(String(error)).not.toContain(key.toBase64());
    const params = { customerId: customer.id };
    expect((await call("customers.get", { ...as(tenant), params, env })).json).toMatchObject(person);
  });
}

test("a KMS that is away is asked once in a run, however many tenants wait for it", async () => {
  const tenants = [await newTenant(), await newTenant(), await newTenant()] as const;
  await script(failures["is away"]);
  const { database } = tenants[0].cell;
  const run = { job: "test", requestId: "run_1", now: Date.now() };
  expect(await rewrapTenantKeys(withKms({}, [{ ...entry, version: 9999 }], 9999), database, run)).toBe(0);
  expect(await asked()).toHaveLength(1);
  for (const tenant of tenants) expect(await wrapOf(tenant)).not.toContain("kek9999");
});

test("keys move to a KMS and away from it without a failed read, and while it is away the answer is 503", async () => {
  const tenant = await newTenant();
  const unseen = await newTenant();
  const { json: customer } = await createCustomer(tenant);
  const both = withKms({}, [entry]);
  const alone = withKms({ KEYLINE_KEKS: "" }, [entry]);
  const read = (env: TestEnv) =>
    call("customers.get", { ...as(tenant), params: { customerId: customer.id }, env });
  expect((await read(both)).json).toMatchObject(person);

  await rewrapped(both);
  expect(await wrapOf(tenant)).toMatch(/^v1\.kek7\.kms\./);
  await script(failures["is away"]);
  const { status, headers, json } = await call("orders.list", { ...as(unseen), env: alone });
  expect([status, headers.get("retry-after"), json.type]).toEqual([503, "5", "/problems/unavailable"]);
  // An isolate that holds the opened keys asks nobody.
  expect((await read(alone)).json).toMatchObject(person);
  await script(null);
  expect((await call("orders.list", { ...as(unseen), env: alone })).status).toBe(200);

  const third = `8:${"D".repeat(42)}A`;
  const back = withKms({ KEYLINE_KEKS: third }, [entry]);
  await rewrapped(back);
  expect(await wrapOf(tenant)).toMatch(/^v1\.kek8\./);
  expect((await read(envWith({ KEYLINE_KEKS: third }))).json).toMatchObject(person);
});

test("what is configured amiss makes nothing ready, and the token is never repeated", async () => {
  const amiss: readonly [object, string][] = [
    [{ KEYLINE_KMS: "{" }, "JSON"],
    [{ KEYLINE_KMS: JSON.stringify([{ ...entry, address: "http://kms.test" }]) }, "https origin"],
    [{ KEYLINE_KMS: JSON.stringify([{ ...entry, address: "https://u:p@kms.test" }]) }, "https origin"],
    [{ KEYLINE_KMS: JSON.stringify([{ ...entry, address: "https://kms.test/v1" }]) }, "https origin"],
    [{ KEYLINE_KMS: JSON.stringify([{ ...entry, key: "../sys/seal" }]) }, "one segment"],
    [{ KEYLINE_KMS: JSON.stringify([{ ...entry, version: 1 }]), KEYLINE_KMS_TOKENS: `1:${token}` }, "twice"],
    [{ KEYLINE_KMS_TOKENS: `8:${token}` }, "no token for version 7"],
    [{ KEYLINE_KMS_TOKENS: token }, "malformed"],
  ];
  for (const [changes, why] of amiss) {
    const error = await keksOf(withKms(changes, [entry])).then(() => "accepted", String);
    expect(error).toContain(why);
    expect(error).not.toContain(token);
  }
});

function withKms(changes: object, entries: readonly object[], version = 7): TestEnv {
  return envWith({
    KEYLINE_KMS: JSON.stringify(entries),
    KEYLINE_KMS_TOKENS: `${version}:${token}`,
    ...changes,
  });
}

async function rewrapped(env: TestEnv): Promise<void> {
  for (const { database } of [...cellsOf(env), { database: env.DIRECTORY }])
    await rewrapTenantKeys(env, database, { job: "test", requestId: "run_1", now: Date.now() });
}

async function script(failure: object | null): Promise<void> {
  await fetch("https://kms.test/script", { method: "PUT", body: JSON.stringify(failure) });
}

async function asked(): Promise<unknown> {
  return await (await fetch("https://kms.test/asked")).json();
}

async function wrapOf({ cell, tenantId }: TestTenant): Promise<string | undefined> {
  const [row] = await rowsOf<{ wrapped: string }>(
    cell.database,
    "select wrapped from tenant_keys where tenant_id = ?",
    tenantId,
  );
  return row?.wrapped;
}
