import { expect, test } from "vitest";
import { keksOfText } from "#test/keks.ts";

const one = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const two = "2:__________________________________________8";
const address = { tenant: "ten_a", table: "tenant_keys", column: "wrapped", row: "tky_1" };
const key = new Uint8Array(32).fill(7);

test("the highest version wraps, wherever it stands in the secret", async () => {
  for (const secret of [`${one},${two}`, `${two},${one}`, ` ${two} , ${one} `]) {
    const keks = await keksOfText(secret);
    expect(keks.currentVersion).toBe(2);
    expect(await keks.wrap(key, address)).toMatch(/^v1\.kek2\./);
  }
});

test("an older version still unwraps", async () => {
  const wrapped = await (await keksOfText(one)).wrap(key, address);
  expect(wrapped).toMatch(/^v1\.kek1\./);
  expect(await (await keksOfText(`${one},${two}`)).unwrap(wrapped, address)).toEqual(key);
});

test("a wrapped key opens only where it was wrapped, and only under its KEK", async () => {
  const keks = await keksOfText(one);
  const wrapped = await keks.wrap(key, address);
  await expect(keks.unwrap(wrapped, { ...address, tenant: "ten_b" })).rejects.toMatchObject({
    reason: "bad-tag",
  });
  await expect(keks.unwrap(wrapped, { ...address, row: "tky_2" })).rejects.toMatchObject({
    reason: "bad-tag",
  });
  const others = await keksOfText(two);
  await expect(others.unwrap(wrapped, address)).rejects.toMatchObject({ reason: "wrong-key" });
  const forged = await keksOfText(one.replace("AAEC", "BBEC"));
  await expect(forged.unwrap(wrapped, address)).rejects.toMatchObject({ reason: "bad-tag" });
  await expect(keks.unwrap("wrapped", address)).rejects.toMatchObject({ reason: "malformed" });
});

test("a KEK wraps nothing but whole keys", async () => {
  const keks = await keksOfText(one);
  for (const bytes of [0, 16, 31, 33]) {
    await expect(keks.wrap(new Uint8Array(bytes), address)).rejects.toThrow("32 bytes");
  }
});

test("a malformed secret is refused without being repeated", async () => {
  const secrets = [
    ...[
      "",
      ",",
      `${one},`,
      `${one},${one}`,
      one.replace("1:", "1="),
      one.replace("1:", "0:"),
      one.replace("1:", ""),
    ],
    ...[
      one.slice(0, -1),
      `${one}A`,
      one.replace("8", "="),
      `${one.slice(0, -1)}9`,
      "1:secret",
      one.replace("1:", "01:"),
    ],
  ];
  for (const secret of secrets) {
    const error = await keksOfText(secret).then(() => "accepted", String);
    expect(error, secret).toMatch(
      /^Error: (KEYLINE_KEKS is malformed: |There is no |A version of the key-encryption keys stands twice)/,
    );
    expect(error).not.toMatch(/AAEC|secret/);
  }
});
