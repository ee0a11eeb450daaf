import fc from "fast-check";
import { expect, test } from "vitest";
import { importAesKey } from "#crypto/aes-gcm.ts";
import { type DataKey, kidOf, open, openBytes, type SealAddress, seal, sealBytes } from "#crypto/envelope.ts";

const address: SealAddress = {
  tenant: "ten_a",
  table: "customers",
  column: "email",
  row: "cus_1",
};

test("what was sealed opens again, the empty text and odd code points too", async () => {
  const key = await newKey();
  const text = fc.string({ unit: "binary", maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.record({ tenant: text, table: text, column: text, row: text }),
      async (plain, at) => {
        expect(await open(key, at, await seal(key, at, plain))).toBe(plain);
      },
    ),
    { numRuns: 50 },
  );
  expect(await open(key, address, await seal(key, address, ""))).toBe("");
  expect(await open(key, address, await seal(key, address, "\ufeffmark"))).toBe("\ufeffmark");
});

test("bytes come back as they were", async () => {
  const key = await newKey();
  const bytes = crypto.getRandomValues(new Uint8Array(1000));
  expect(await openBytes(key, address, await sealBytes(key, address, bytes))).toEqual(bytes);
});

test("the text form is v1.kid.iv.ciphertext and shows none of the plaintext", async () => {
  const envelope = await seal(await newKey("sky_7"), address, "ada@example.org");
  // 15 bytes of text and a tag of 16.
  expect(envelope).toMatch(/^v1\.sky_7\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{42}$/);
  expect(String.fromCharCode(...bytesOf(envelope.split(".")[3] ?? ""))).not.toContain("ada");
});

test("the same value sealed twice gives two texts", async () => {
  const key = await newKey();
  expect(await seal(key, address, "same")).not.toBe(await seal(key, address, "same"));
});

for (const part of ["tenant", "table", "column", "row"] as const) {
  test(`a value moved to another ${part} does not open`, async () => {
    const key = await newKey();
    const envelope = await seal(key, address, "ada@example.org");
    await expect(open(key, { ...address, [part]: `${address[part]}x` }, envelope)).rejects.toMatchObject({
      name: "SealError",
      reason: "bad-tag",
    });
  });
}

test("characters cannot move from one part of the address to the next", async () => {
  const key = await newKey();
  const envelope = await seal(key, { ...address, table: "a", column: "bc" }, "x");
  await expect(open(key, { ...address, table: "ab", column: "c" }, envelope)).rejects.toMatchObject(badTag);
  const quoted = await seal(key, { ...address, table: 'a","b', column: "c" }, "x");
  await expect(open(key, { ...address, table: "a", column: 'b","c' }, quoted)).rejects.toMatchObject(badTag);
});

test("another format version is malformed, whatever else is right", async () => {
  const key = await newKey();
  const envelope = await seal(key, address, "x");
  await expect(open(key, address, envelope.replace(/^v1/, "v2"))).rejects.toMatchObject(malformed);
});

test("the format version is authenticated: the same address under another one has another tag", async () => {
  const key = await newKey();
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const additionalData = (version: string) =>
    new TextEncoder().encode(JSON.stringify([version, "ten_a", "customers", "email", "cus_1"]));
  const forge = async (version: string) => {
    const algorithm = { name: "AES-GCM", iv, additionalData: additionalData(version) };
    const bytes = await crypto.subtle.encrypt(algorithm, key.key, new TextEncoder().encode("x"));
    return `v1.${key.kid}.${base64Url(iv)}.${base64Url(new Uint8Array(bytes))}`;
  };
  expect(await open(key, address, await forge("v1"))).toBe("x");
  await expect(open(key, address, await forge("v2"))).rejects.toMatchObject(badTag);
});

test("a key of another id is refused before it is tried, another key of the same id by its tag", async () => {
  const key = await newKey("sky_1");
  const envelope = await seal(key, address, "x");
  await expect(open({ ...key, kid: "sky_2" }, address, envelope)).rejects.toMatchObject({
    reason: "wrong-key",
  });
  await expect(open(await newKey("sky_1"), address, envelope)).rejects.toMatchObject(badTag);
});

test("every flipped bit of IV, ciphertext or tag is noticed", async () => {
  const key = await newKey();
  const [version, kid, iv = "", ciphertext = ""] = (await seal(key, address, "ada")).split(".");
  const flipped = [
    ...flips(iv).map((changed) => [version, kid, changed, ciphertext].join(".")),
    ...flips(ciphertext).map((changed) => [version, kid, iv, changed].join(".")),
  ];
  expect(flipped).toHaveLength((12 + 3 + 16) * 8);
  for (const envelope of flipped) await expect(open(key, address, envelope)).rejects.toMatchObject(badTag);
});

test("no truncation opens", async () => {
  const key = await newKey();
  const envelope = await seal(key, address, "ada@example.org");
  for (let length = 0; length < envelope.length; length++) {
    await expect(open(key, address, envelope.slice(0, length))).rejects.toMatchObject({ name: "SealError" });
  }
});

test("what is not an envelope is malformed and has no kid", async () => {
  const key = await newKey("k");
  const good = await seal(key, address, "x");
  const [, , iv, ciphertext] = good.split(".");
  const bad = [
    ...["", "x", "v1", "v1...", `v1..${iv}.${ciphertext}`, `v1.k.${iv}.`, `v1.k..${ciphertext}`],
    ...[
      ` ${good}`,
      `${good}\n`,
      `${good}.x`,
      `${good}=`,
      `v1.k-1.${iv}.${ciphertext}`,
      `V1.k.${iv}.${ciphertext}`,
    ],
    `v1.${"k".repeat(65)}.${iv}.${ciphertext}`,
  ];
  for (const envelope of bad) {
    expect(kidOf(envelope), envelope).toBeNull();
    await expect(open(key, address, envelope), envelope).rejects.toMatchObject(malformed);
  }
  expect(kidOf(good)).toBe("k");
});

test("a second spelling of the same bytes is malformed", async () => {
  const key = await newKey();
  // 18 bytes end on a whole character, 17 leave two unused bits.
  const envelope = await seal(key, address, "x");
  const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const respelled = envelope.slice(0, -1) + last.charAt(last.indexOf(envelope.slice(-1)) + 1);
  await expect(open(key, address, respelled)).rejects.toMatchObject(malformed);
});

test("bytes that are no text do not open as one", async () => {
  const key = await newKey();
  const envelope = await sealBytes(key, address, new Uint8Array([0xff]));
  await expect(open(key, address, envelope)).rejects.toMatchObject(malformed);
});

test("a key id outside its grammar seals nothing", async () => {
  for (const kid of ["", "a.b", "a-b", "é", "k".repeat(65)]) {
    await expect(seal(await newKey(kid), address, "x")).rejects.toThrow(RangeError);
  }
});

test("an error names the reason and nothing of the value", async () => {
  const key = await newKey();
  const envelope = await seal(key, address, "ada@example.org");
  const error = await open(key, { ...address, row: "cus_2" }, envelope).catch(String);
  expect(error).toBe("SealError: a sealed value could not be opened: bad-tag");
});

const badTag = { name: "SealError", reason: "bad-tag" };
const malformed = { name: "SealError", reason: "malformed" };

async function newKey(kid = "sky_1"): Promise<DataKey> {
  return { kid, key: await importAesKey(crypto.getRandomValues(new Uint8Array(32))) };
}

function flips(text: string): string[] {
  const bytes = bytesOf(text);
  return Array.from({ length: bytes.length * 8 }, (_, bit) =>
    base64Url(bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))),
  );
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
