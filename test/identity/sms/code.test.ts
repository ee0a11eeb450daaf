import { expect, test } from "vitest";
import { importHmacKey } from "#crypto/hmac.ts";
import { hashSmsCode, maskedNumber, newCode } from "#identity/sms/code.ts";

test("codes are six digits, and each digit is as likely as any other at each place", () => {
  const codes = Array.from({ length: 20_000 }, newCode);
  expect(codes.every((code) => /^[0-9]{6}$/.test(code))).toBe(true);
  for (let place = 0; place < 6; place += 1) {
    const counts = Map.groupBy(codes, (code) => code[place]);
    expect(counts.size).toBe(10);
    // 2,000 of each; 6 standard deviations are 255.
    for (const { length } of counts.values()) expect(Math.abs(length - 2000)).toBeLessThan(255);
  }
  expect(new Set(codes).size).toBeGreaterThan(19_500);
});

test("what is stored is of the code, its user, what it is for, and where; and of the key", async () => {
  const key = await importHmacKey(new Uint8Array(32).fill(1));
  const binding = { userId: "usr_1", purpose: "sign-in", boundTo: "sic_1" };
  const hashes = await Promise.all([
    hashSmsCode(key, binding, "123456"),
    hashSmsCode(key, binding, "123457"),
    hashSmsCode(key, { ...binding, userId: "usr_2" }, "123456"),
    hashSmsCode(key, { ...binding, purpose: "step-up" }, "123456"),
    hashSmsCode(key, { ...binding, boundTo: "sic_2" }, "123456"),
    hashSmsCode(await importHmacKey(new Uint8Array(32).fill(2)), binding, "123456"),
  ]);
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(await hashSmsCode(key, binding, "123456")).toBe(hashes[0]);
});

test("of a number the last two digits are shown", () => {
  expect(maskedNumber("+31612345647")).toBe("•••• 47");
});
