import { expect, test } from "vitest";
import { hashSecret, importPepper, mintApiKey, parseApiKey, verifyApiKeyMac } from "#crypto/api-key.ts";

const id = "01jd7v9s3kf8x9q2m5n6p7r8t9";
const where = { mode: "live", cell: "us1", id } as const;

test("a minted key parses into what it was made of, and its mac holds", async () => {
  for (const [mode, cell, version] of [
    ["live", "us1", 1],
    ["test", "eu1", 42],
    ["live", "frankfrt123", 9999],
  ] as const) {
    const pepper = await newPepper(version);
    const { key } = await mintApiKey(pepper, { mode, cell, id });
    expect(key).toMatch(new RegExp(`^kl_${mode}_${cell}_${id}_[0-9a-z]{52}_${version}[0-9a-z]{13}$`));
    const parsed = parseApiKey(key);
    expect(parsed).toMatchObject({ mode, cell, id, version });
    expect(parsed && (await verifyApiKeyMac(pepper, parsed))).toBe(true);
  }
});

test("the stored hash is of the secret under the pepper and stands nowhere in the key", async () => {
  const pepper = await newPepper();
  const { key, secretHash } = await mintApiKey(pepper, where);
  const secret = parseApiKey(key)?.secret ?? "";
  expect(secretHash).toMatch(/^[0-9a-z]{52}$/);
  expect(await hashSecret(pepper, secret)).toBe(secretHash);
  expect(await hashSecret(await newPepper(), secret)).not.toBe(secretHash);
  expect(key).not.toContain(secretHash.slice(0, 13));
});

test("two keys share no secret", async () => {
  const pepper = await newPepper();
  const [a, b] = [await mintApiKey(pepper, where), await mintApiKey(pepper, where)];
  expect(parseApiKey(a.key)?.secret).not.toBe(parseApiKey(b.key)?.secret);
  expect(a.secretHash).not.toBe(b.secretHash);
});

test("no character of a key can be changed", async () => {
  const pepper = await newPepper(7);
  const { key } = await mintApiKey(pepper, where);
  for (let i = 0; i < key.length; i++) {
    for (const other of ["0", "2", "a", "z"]) {
      if (key[i] === other) continue;
      const parsed = parseApiKey(key.slice(0, i) + other + key.slice(i + 1));
      expect(parsed !== null && (await verifyApiKeyMac(pepper, parsed)), `${i} ${other}`).toBe(false);
    }
  }
});

test("a live key is not a test key, and a cell cannot be swapped", async () => {
  const pepper = await newPepper();
  const { key } = await mintApiKey(pepper, where);
  for (const changed of [key.replace("kl_live", "kl_test"), key.replace("_us1_", "_eu1_")]) {
    const parsed = parseApiKey(changed);
    expect(parsed && (await verifyApiKeyMac(pepper, parsed))).toBe(false);
  }
});

test("a pepper vouches for its own version only", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const [first, second] = [await importPepper(1, bytes), await importPepper(2, bytes)];
  const parsed = parseApiKey((await mintApiKey(first, where)).key);
  expect(parsed && (await verifyApiKeyMac(second, parsed))).toBe(false);
  const forged = parseApiKey((await mintApiKey(await newPepper(1), where)).key);
  expect(forged && (await verifyApiKeyMac(first, forged))).toBe(false);
});

test("the secret's hash is no mac: the same text under the same pepper differs", async () => {
  const pepper = await newPepper();
  const { key } = await mintApiKey(pepper, where);
  const parsed = parseApiKey(key);
  expect((await hashSecret(pepper, parsed?.signed ?? "")).slice(0, 13)).not.toBe(parsed?.mac);
});

test("what is not a key is null", async () => {
  const { key } = await mintApiKey(await newPepper(12), where);
  const bad = [
    ...[
      "",
      "kl_",
      "kl_live_",
      key.slice(1),
      ` ${key}`,
      `${key} `,
      `${key}\n`,
      key.toUpperCase(),
      `${key}0`.repeat(2),
    ],
    ...[key.replace("kl_live", "kl_prod"), key.replace("_us1_", "_us_"), key.replace("_us1_", "_u1_")],
    ...[key.replace("_us1_", "_US1_"), key.replace("_us1_", "_us1234_"), key.replace(id, `8${id.slice(1)}`)],
    ...[
      key.replace(id, id.replace("j", "i")),
      key.replace(id, id.slice(1)),
      key.replace(/_12(.{13})$/, "_0$1"),
    ],
    ...[
      key.replace(/_12(.{13})$/, "_012$1"),
      key.replace(/_12(.{13})$/, "_12345$1"),
      key.replace(/_12(.{13})$/, "_$1"),
    ],
    "kl_live_us1_".padEnd(1_000_000, "0"),
  ];
  for (const text of bad) expect(parseApiKey(text), text.slice(0, 200)).toBeNull();
  expect(parseApiKey(key)).not.toBeNull();
});

test("nothing is minted that would not parse", async () => {
  const pepper = await newPepper();
  for (const wrong of [{ cell: "us" }, { cell: "US1" }, { cell: "us1_x" }, { id: "" }, { id: `key_${id}` }]) {
    await expect(mintApiKey(pepper, { ...where, ...wrong })).rejects.toThrow(RangeError);
  }
});

test("a pepper's version is 1 to 9999 and its key 256 bits or more", async () => {
  const bytes = new Uint8Array(32);
  for (const version of [0, -1, 1.5, 10_000, Number.NaN]) {
    await expect(importPepper(version, bytes)).rejects.toThrow(RangeError);
  }
  await expect(importPepper(1, new Uint8Array(16))).rejects.toThrow(RangeError);
});

function newPepper(version = 1) {
  return importPepper(version, crypto.getRandomValues(new Uint8Array(32)));
}
