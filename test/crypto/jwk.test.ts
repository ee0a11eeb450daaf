import { exportJWK, generateKeyPair, type JWK } from "jose";
import { expect, test } from "vitest";
import { admitJwk, admitJwks } from "#crypto/jwk.ts";
import { hasRocaFingerprint } from "#crypto/roca.ts";
import { newSigningKey } from "#crypto/signing-key.ts";
import { encodeBase64Url } from "#lib/base64url.ts";

test("public keys of every kind we verify with are taken, and only their declared members", async () => {
  for (const alg of ["ES256", "ES384", "ES512", "Ed25519", "RS256", "PS512"]) {
    const { publicKey } = await generateKeyPair(alg, { extractable: true });
    const bare = { ...(await exportJWK(publicKey)), kid: "k" };
    expect(await admitJwk(bare), alg).toEqual({ ok: true, jwk: bare });
    const full = { ...bare, alg, use: "sig", key_ops: ["verify"] };
    expect(await admitJwk({ ...full, x5c: ["…"], extra: 1 }), alg).toEqual({ ok: true, jwk: full });
  }
});

test("a key is refused for each thing that is wrong with it, under its own name", async () => {
  const { publicJwk, privateJwk } = await newSigningKey();
  const rsa = (modulus: bigint, exponent: bigint): JWK => ({
    kty: "RSA",
    kid: "r",
    n: integer(modulus),
    e: integer(exponent),
  });
  const modulus = 2n ** 2047n + 12345n;
  const wrong: [unknown, string][] = [
    [null, "malformed"],
    ["key", "malformed"],
    [[publicJwk], "malformed"],
    [{}, "malformed"],
    [{ kty: "oct", kid: "o", k: "AAAA", alg: "HS256" }, "symmetric"],
    [{ kty: "oct" }, "symmetric"],
    [privateJwk, "private"],
    [{ ...rsa(modulus, 65537n), p: "AQ" }, "private"],
    [{ ...publicJwk, k: "AAAA" }, "private"],
    [{ kty: "AKP", kid: "a", alg: "ML-DSA-65", pub: "AAAA" }, "unsupported"],
    [{ ...publicJwk, crv: "secp256k1" }, "unsupported"],
    [{ ...publicJwk, crv: "constructor" }, "unsupported"],
    [{ kty: "OKP", crv: "X25519", x: publicJwk.x, kid: "x" }, "unsupported"],
    [{ ...publicJwk, alg: "ES521" }, "unsupported"],
    [{ ...publicJwk, use: "enc" }, "not-for-verifying"],
    [{ ...publicJwk, key_ops: ["encrypt"] }, "not-for-verifying"],
    [{ ...publicJwk, key_ops: [] }, "not-for-verifying"],
    [{ ...publicJwk, alg: "ES384" }, "wrong-algorithm"],
    [{ ...publicJwk, alg: "RS256" }, "wrong-algorithm"],
    [{ ...publicJwk, kid: undefined }, "malformed"],
    [{ ...publicJwk, kid: "" }, "malformed"],
    [{ ...publicJwk, kid: 7 }, "malformed"],
    [{ ...publicJwk, crv: "P-384", alg: undefined }, "malformed"],
    [{ ...publicJwk, x: `${publicJwk.x}A` }, "malformed"],
    [{ ...publicJwk, x: publicJwk.y, y: publicJwk.x }, "malformed"],
    [{ ...publicJwk, kty: "OKP" }, "unsupported"],
    [{ ...publicJwk, kty: "OKP", crv: "Ed25519", alg: "EdDSA", x: "AA" }, "malformed"],
    [rsa(2n ** 2046n + 12345n, 65537n), "weak"],
    [rsa(2n ** 8192n + 12345n, 65537n), "weak"],
    [rsa(modulus + 1n, 65537n), "weak"],
    [rsa(modulus, 1n), "weak"],
    [rsa(modulus, 65536n), "weak"],
    [rsa(modulus, 2n ** 33n + 1n), "weak"],
    [{ ...rsa(modulus, 65537n), n: "" }, "malformed"],
    [{ ...rsa(modulus, 65537n), e: "AQAB=" }, "malformed"],
    [{ ...rsa(modulus, 65537n), n: "A".repeat(1_000_000) }, "malformed"],
    [rsa(rocaModulus(), 65537n), "roca"],
  ];
  for (const [key, reason] of wrong) {
    expect(await admitJwk(key), JSON.stringify(key)?.slice(0, 200)).toEqual({ ok: false, reason });
  }
});

test("the ROCA fingerprint is found in a modulus that has it and in no other", () => {
  expect(hasRocaFingerprint(rocaModulus())).toBe(true);
  for (let i = 1n; i < 200n; i++) expect(hasRocaFingerprint(rocaModulus() + i)).toBe(false);
});

test("one dangerous key refuses the whole set", async () => {
  const { publicJwk, privateJwk } = await newSigningKey();
  const oct = { kty: "oct", kid: "o", k: "AAAA" };
  expect(await admitJwks({ keys: [publicJwk, oct] })).toEqual({ ok: false, reason: "symmetric" });
  expect(await admitJwks({ keys: [publicJwk, privateJwk] })).toEqual({ ok: false, reason: "private" });
  expect(await admitJwks({ keys: [publicJwk, publicJwk] })).toEqual({ ok: false, reason: "duplicate-kid" });
});

test("keys for encryption or of unknown kinds are left out of the set", async () => {
  const { publicJwk } = await newSigningKey();
  const others = [
    { ...publicJwk, kid: "e", use: "enc", alg: "ECDH-ES" },
    { kty: "AKP", kid: "a", alg: "ML-DSA-65" },
    { kty: "RSA", kid: "r", alg: "RSA-OAEP", n: "AQAB", e: "AQAB" },
  ];
  const admitted = await admitJwks({ keys: [...others, publicJwk] });
  expect(admitted.ok && [...admitted.keys.kids]).toEqual([publicJwk.kid]);
});

test("what is not a key set is malformed", async () => {
  for (const set of [null, [], {}, { keys: {} }, { keys: [1] }, { keys: Array(101).fill({ kty: "AKP" }) }]) {
    expect(await admitJwks(set)).toEqual({ ok: false, reason: "malformed" });
  }
});

test("a signing key is an ES256 pair named by its RFC 7638 thumbprint", async () => {
  const { publicJwk, privateJwk } = await newSigningKey();
  expect(Object.keys(publicJwk).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  const { d, ...rest } = privateJwk;
  expect([rest, typeof d]).toEqual([publicJwk, "string"]);
  const canonical = `{"crv":"P-256","kty":"EC","x":"${publicJwk.x}","y":"${publicJwk.y}"}`;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical));
  expect(publicJwk.kid).toBe(encodeBase64Url(new Uint8Array(digest)));
  expect((await newSigningKey()).publicJwk.kid).not.toBe(publicJwk.kid);
});

function integer(value: bigint): string {
  const hex = value.toString(16);
  const even = hex.length % 2 ? `0${hex}` : hex;
  return encodeBase64Url(Uint8Array.from(even.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}

// A power of 65537 modulo the product of the small primes, plus a multiple of it: what Infineon's generator gives.
function rocaModulus(): bigint {
  let product = 1n;
  for (let candidate = 2n; candidate <= 167n; candidate++) {
    let isPrime = true;
    for (let divisor = 2n; divisor < candidate; divisor++) if (candidate % divisor === 0n) isPrime = false;
    if (isPrime) product *= candidate;
  }
  let power = 1n;
  for (let i = 0; i < 12345; i++) power = (power * 65537n) % product;
  return product * (2n ** 2047n / product + 2n) + power;
}
