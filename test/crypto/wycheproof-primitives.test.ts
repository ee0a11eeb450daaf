import { expect, test } from "vitest";
import { decryptAesGcm, encryptAesGcm, importAesKey } from "#crypto/aes-gcm.ts";
import { timingSafeEqual } from "#crypto/constant-time.ts";
import { importVerifier, verifyEd25519 } from "#crypto/ed25519.ts";
import { hkdfSha256 } from "#crypto/hkdf.ts";
import { hmacSha256, importHmacKey } from "#crypto/hmac.ts";
import { fromHex, hasVectors, loadWycheproof, toHex } from "#test/vectors.ts";

test.skipIf(!hasVectors)(
  "aes_gcm: 316 vectors, those of other key or IV sizes refused before any crypto",
  async () => {
    type Test = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };
    const groups = await loadWycheproof<{ ivSize: number; keySize: number }, Test>("aes_gcm.json", 316);
    const seen = { opened: 0, refused: 0, "other key size": 0, "other IV size": 0 };
    for (const group of groups) {
      for (const { tcId, key: keyHex, iv, aad, msg, ct, tag, result } of group.tests) {
        if (group.keySize !== 256) {
          await expect(importAesKey(fromHex(keyHex)), `${tcId}`).rejects.toThrow(RangeError);
          seen["other key size"]++;
          continue;
        }
        const key = await importAesKey(fromHex(keyHex));
        const opening = decryptAesGcm(key, fromHex(iv), fromHex(aad), fromHex(ct + tag));
        if (group.ivSize !== 96) {
          await expect(opening, `${tcId}`).rejects.toThrow(RangeError);
          seen["other IV size"]++;
          continue;
        }
        const sealed = toHex(await encryptAesGcm(key, fromHex(iv), fromHex(aad), fromHex(msg)));
        const opened = await opening;
        expect(opened && toHex(opened), `${tcId}`).toBe(result === "valid" ? msg : null);
        expect(sealed === ct + tag, `${tcId}`).toBe(result === "valid");
        seen[result === "valid" ? "opened" : "refused"]++;
      }
    }
    expect(seen).toEqual({ opened: 39, refused: 27, "other key size": 211, "other IV size": 39 });
  },
);

test.skipIf(!hasVectors)("hmac_sha256: 174 vectors, keys under 256 bits refused", async () => {
  type Test = { key: string; msg: string; tag: string };
  const groups = await loadWycheproof<{ keySize: number; tagSize: number }, Test>("hmac_sha256.json", 174);
  const seen = { valid: 0, invalid: 0, "short key": 0 };
  for (const group of groups) {
    for (const { tcId, key: keyHex, msg, tag, result } of group.tests) {
      if (group.keySize < 256) {
        await expect(importHmacKey(fromHex(keyHex)), `${tcId}`).rejects.toThrow(RangeError);
        seen["short key"]++;
        continue;
      }
      const mac = toHex(await hmacSha256(await importHmacKey(fromHex(keyHex)), fromHex(msg)));
      expect(timingSafeEqual(mac.slice(0, group.tagSize / 4), tag), `${tcId}`).toBe(result === "valid");
      seen[result]++;
    }
  }
  expect(seen).toEqual({ valid: 60, invalid: 108, "short key": 6 });
});

test.skipIf(!hasVectors)("hkdf_sha256: 86 vectors", async () => {
  type Test = { ikm: string; salt: string; info: string; size: number; okm: string };
  const groups = await loadWycheproof<object, Test>("hkdf_sha256.json", 86);
  const seen = { valid: 0, invalid: 0 };
  for (const { tests } of groups) {
    for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
      const input = { secret: fromHex(ikm), salt: fromHex(salt), info: fromHex(info) };
      const output = await hkdfSha256(input, size).then(toHex, () => "refused");
      expect(output, `${tcId}`).toBe(result === "valid" ? okm : "refused");
      seen[result]++;
    }
  }
  expect(seen).toEqual({ valid: 83, invalid: 3 });
});

test.skipIf(!hasVectors)("ed25519: 151 vectors", async () => {
  type Test = { msg: string; sig: string };
  const groups = await loadWycheproof<{ publicKey: { pk: string } }, Test>("ed25519.json", 151);
  const seen = { valid: 0, invalid: 0 };
  for (const { publicKey, tests } of groups) {
    const verifier = await importVerifier(fromHex(publicKey.pk));
    for (const { tcId, msg, sig, result } of tests) {
      expect(await verifyEd25519(verifier, fromHex(msg), fromHex(sig)), `${tcId}`).toBe(result === "valid");
      seen[result]++;
    }
  }
  expect(seen).toEqual({ valid: 88, invalid: 63 });
});
