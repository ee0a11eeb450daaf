import { expect, test } from "vitest";
import { exactToken } from "#crypto/blind-index.ts";
import { kidOf, open, seal } from "#crypto/envelope.ts";
import { createTenantKey, openKeyRing } from "#crypto/key-ring.ts";
import { keksOfText } from "#test/keks.ts";

const secret = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const address = { tenant: "ten_a", table: "customers", column: "email", row: "cus_1" };

test("a subject's key opens again from its row, and so does what it sealed", async () => {
  const { keks, rows, ring } = await newTenant("ten_a");
  const { row, key } = await ring.createSubjectKey("cus_1", "sky_1");
  const envelope = await seal(key, address, "ada@example.org");
  const later = await openKeyRing(keks, "ten_a", rows);
  const reopened = await later.openSubjectKey("cus_1", row);
  expect(await open(reopened, address, envelope)).toBe("ada@example.org");
  expect([kidOf(rows[0]?.wrapped ?? ""), kidOf(row.wrapped), kidOf(envelope)]).toEqual([
    "kek1",
    "tky_1",
    "sky_1",
  ]);
});

test("a subject key does not open for another subject, under another id, or in another tenant", async () => {
  const { ring } = await newTenant("ten_a");
  const { row } = await ring.createSubjectKey("cus_1", "sky_1");
  const badTag = { name: "SealError", reason: "bad-tag" };
  await expect(ring.openSubjectKey("cus_2", row)).rejects.toMatchObject(badTag);
  await expect(ring.openSubjectKey("cus_1", { ...row, id: "sky_2" })).rejects.toMatchObject(badTag);
  const { ring: foreign } = await newTenant("ten_b");
  await expect(foreign.openSubjectKey("cus_1", row)).rejects.toMatchObject(badTag);
});

test("one tenant's root under another tenant's name opens nothing", async () => {
  const { keks, rows } = await newTenant("ten_a");
  await expect(openKeyRing(keks, "ten_b", rows)).rejects.toMatchObject({ reason: "bad-tag" });
  const renamed = rows.map((row) => ({ ...row, id: "tky_9" }));
  await expect(openKeyRing(keks, "ten_a", renamed)).rejects.toMatchObject({ reason: "bad-tag" });
});

test("the same subject in two tenants has keys that share nothing", async () => {
  const [a, b] = [await newTenant("ten_a"), await newTenant("ten_b")];
  const { key: keyA } = await a.ring.createSubjectKey("cus_1", "sky_1");
  const { key: keyB } = await b.ring.createSubjectKey("cus_1", "sky_1");
  const envelope = await seal(keyA, address, "x");
  await expect(open(keyB, address, envelope)).rejects.toMatchObject({ reason: "bad-tag" });
  expect(await exactToken(a.ring.indexKey(), "email", "x")).not.toBe(
    await exactToken(b.ring.indexKey(), "email", "x"),
  );
});

test("the key with the greatest id is current; older ones still open what they sealed", async () => {
  const { keks, rows, ring: old } = await newTenant("ten_a");
  const { row: oldRow } = await old.createSubjectKey("cus_1", "sky_1");
  const sealedBefore = await seal(old.tenantKey(), address, "before");
  const second = await createTenantKey(keks, "ten_a", "tky_2");
  const ring = await openKeyRing(keks, "ten_a", [second, ...rows]);
  expect(ring.tenantKey().kid).toBe("tky_2");
  expect((await ring.openSubjectKey("cus_1", oldRow)).kid).toBe("sky_1");
  const older = ring.tenantKeyFor(kidOf(sealedBefore) ?? "");
  expect(older && (await open(older, address, sealedBefore))).toBe("before");
  expect(ring.tenantKeyFor("tky_3")).toBeNull();
});

test("a subject key wrapped by a tenant key that is gone is a wrong key, a broken row malformed", async () => {
  const { keks, ring } = await newTenant("ten_a");
  const { row } = await ring.createSubjectKey("cus_1", "sky_1");
  const only = await openKeyRing(keks, "ten_a", [await createTenantKey(keks, "ten_a", "tky_2")]);
  await expect(only.openSubjectKey("cus_1", row)).rejects.toMatchObject({ reason: "wrong-key" });
  await expect(ring.openSubjectKey("cus_1", { ...row, wrapped: "" })).rejects.toMatchObject({
    reason: "malformed",
  });
});

test("a tenant without a key gets no ring", async () => {
  const keks = await keksOfText(secret);
  await expect(openKeyRing(keks, "ten_a", [])).rejects.toThrow("no key for ten_a");
});

test("no key that the ring hands out can be exported", async () => {
  const { ring } = await newTenant("ten_a");
  const { key } = await ring.createSubjectKey("cus_1", "sky_1");
  for (const handed of [key.key, ring.tenantKey().key, ring.indexKey()]) {
    expect(handed.extractable).toBe(false);
  }
  expect(ring.indexKey().usages).toEqual(["sign"]);
});

test("the root's two uses are separate keys of the pinned derivation", async () => {
  const { keks, rows, ring } = await newTenant("ten_a");
  const at = { tenant: "ten_a", table: "tenant_keys", column: "wrapped", row: "tky_1" };
  const root = await keks.unwrap(rows[0]?.wrapped ?? "", at);
  const derive = async (info: string) => {
    const material = await crypto.subtle.importKey("raw", root, "HKDF", false, ["deriveBits"]);
    const params = {
      name: "HKDF",
      hash: "SHA-256",
      salt: new Uint8Array(),
      info: new TextEncoder().encode(info),
    };
    return crypto.subtle.deriveBits(params, material, 256);
  };
  const data = await crypto.subtle.importKey("raw", await derive("keyline v1 data"), "AES-GCM", false, [
    "decrypt",
  ]);
  const sealed = await seal(ring.tenantKey(), address, "x");
  expect(await open({ kid: "tky_1", key: data }, address, sealed)).toBe("x");
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const index = await crypto.subtle.importKey("raw", await derive("keyline v1 blind index"), hmac, false, [
    "sign",
  ]);
  expect(await exactToken(index, "email", "x")).toBe(await exactToken(ring.indexKey(), "email", "x"));
});

async function newTenant(tenantId: string) {
  const keks = await keksOfText(secret);
  const rows = [await createTenantKey(keks, tenantId, "tky_1")];
  return { keks, rows, ring: await openKeyRing(keks, tenantId, rows) };
}
