import fc from "fast-check";
import { expect, test } from "vitest";
import { timingSafeEqual } from "#crypto/constant-time.ts";
import { importHmacKey } from "#crypto/hmac.ts";
import { macOf, verifyMac } from "#crypto/mac.ts";

test("a mac is 128 bits of base64url and verifies what it was made for", async () => {
  const key = await newKey();
  const mac = await macOf(key, "bookmark", "ten_a us1 0000-1");
  expect(mac).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(await verifyMac([key], "bookmark", "ten_a us1 0000-1", mac)).toBe(true);
});

test("another key, domain, text or mac is refused, and so is a boundary moved between domain and text", async () => {
  const key = await newKey();
  const mac = await macOf(key, "bookmark", "text");
  expect(await verifyMac([await newKey()], "bookmark", "text", mac)).toBe(false);
  expect(await verifyMac([key], "cursor", "text", mac)).toBe(false);
  expect(await verifyMac([key], "bookmarkt", "ext", mac)).toBe(false);
  expect(await verifyMac([key], "bookmark", "texts", mac)).toBe(false);
  for (const wrong of ["", mac.slice(0, -1), `${mac}A`, mac.toLowerCase(), `${mac}=`]) {
    expect(await verifyMac([key], "bookmark", "text", wrong), wrong).toBe(false);
  }
});

test("an HMAC key is at least 256 bits and cannot be exported", async () => {
  await expect(importHmacKey(new Uint8Array(31))).rejects.toThrow(RangeError);
  expect((await newKey()).extractable).toBe(false);
});

test("the constant-time comparison agrees with ===", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "\u0000", "é"), maxLength: 4 });
  fc.assert(fc.property(text, text, (a, b) => timingSafeEqual(a, b) === (a === b)));
  fc.assert(fc.property(text, (a) => timingSafeEqual(a, a) && !timingSafeEqual(a, `${a}\u0000`)));
});

function newKey() {
  return importHmacKey(crypto.getRandomValues(new Uint8Array(32)));
}
