import { expect, test } from "vitest";
import { admitJwks } from "#crypto/jwk.ts";
import { verifyCompactJws } from "#crypto/jws.ts";
import { hasVectors, loadWycheproof } from "#test/vectors.ts";

type Group = { private?: object; public?: object };
// An object where the file shows JSON serialization, which we do not read.
type Test = { jws?: string | object; jwe?: string | object };

const algorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

test.skipIf(!hasVectors)(
  "json_web_crypto: 77 invalid vectors refused, 2 of 6 valid ones verified",
  async () => {
    const { refusedValid, counts } = await outcomesOf("json_web_crypto.json", 83);
    expect(refusedValid).toEqual({
      // MACs: who can verify could sign, so no shared secret is ever a verification key.
      1: "keys symmetric, token algorithm-not-allowed",
      48: "keys symmetric, token algorithm-not-allowed",
      // JWE has five segments and is no signature.
      50: "keys symmetric, token malformed",
      67: "keys private, token malformed",
    });
    expect(counts).toEqual({
      "valid verified": 2,
      "valid refused": 4,
      "invalid bad-signature": 5,
      "invalid malformed": 18,
      "invalid unknown-key": 2,
      "invalid algorithm-not-allowed": 1,
      "invalid keys roca, token unknown-key": 1,
      "invalid keys symmetric, token algorithm-not-allowed": 5,
      "invalid keys symmetric, token malformed": 29,
      "invalid keys private, token malformed": 16,
    });
  },
);

test.skipIf(!hasVectors)("json_web_key: 21 invalid vectors refused, 1 of 5 valid ones verified", async () => {
  const { refusedValid, counts } = await outcomesOf("json_web_key.json", 26);
  expect(refusedValid).toEqual({
    2: "keys symmetric, token algorithm-not-allowed",
    13: "keys symmetric, token algorithm-not-allowed",
    14: "keys symmetric, token algorithm-not-allowed",
    15: "keys symmetric, token algorithm-not-allowed",
  });
  expect(counts).toEqual({
    "valid verified": 1,
    "valid refused": 4,
    // Keys for encryption or of an unheard-of algorithm are left out of the set.
    "invalid unknown-key": 4,
    "invalid keys roca, token unknown-key": 1,
    "invalid keys weak, token malformed": 2,
    "invalid keys malformed, token unknown-key": 1,
    "invalid keys wrong-algorithm, token unknown-key": 2,
    "invalid keys symmetric, token algorithm-not-allowed": 11,
  });
});

test.skipIf(!hasVectors)(
  "json_web_signature: 355 invalid vectors refused, 26 of 46 valid verified",
  async () => {
    const { refusedValid, counts } = await outcomesOf("json_web_signature.json", 401);
    expect(refusedValid).toEqual({
      1: "keys symmetric, token algorithm-not-allowed",
      // An empty payload is well-formed by RFC 7515, but no token of ours or of an identity provider has one.
      259: "malformed",
      264: "malformed",
      268: "malformed",
      272: "malformed",
      320: "malformed",
      325: "malformed",
      // PS384 tokens under a key that says it is for PS256.
      346: "wrong-key",
      350: "wrong-key",
      // The key's alg is "ES521", which is none: the name is ES512. Left out of the set.
      347: "unknown-key",
      351: "unknown-key",
      348: "keys symmetric, token algorithm-not-allowed",
      352: "keys symmetric, token algorithm-not-allowed",
      357: "keys symmetric, token algorithm-not-allowed",
      358: "keys symmetric, token algorithm-not-allowed",
      359: "keys symmetric, token algorithm-not-allowed",
      // Called valid although a foreign character stands in the base64url.
      372: "keys symmetric, token malformed",
      373: "keys symmetric, token malformed",
      376: "keys symmetric, token algorithm-not-allowed",
      377: "keys symmetric, token algorithm-not-allowed",
    });
    expect(counts).toEqual({
      "valid verified": 26,
      "valid refused": 20,
      "invalid bad-signature": 291,
      "invalid malformed": 22,
      "invalid unknown-key": 6,
      "invalid algorithm-not-allowed": 1,
      "invalid wrong-key": 5,
      // 367 and 370 are among these. They contradict the valid 357, being the same text; we refuse all three.
      "invalid keys symmetric, token algorithm-not-allowed": 5,
      "invalid keys symmetric, token malformed": 25,
    });
  },
);

test.skipIf(!hasVectors)("no private half of a key in the vectors is taken in", async () => {
  const files = [
    await loadWycheproof<Group, Test>("json_web_crypto.json", 83),
    await loadWycheproof<Group, Test>("json_web_key.json", 26),
    await loadWycheproof<Group, Test>("json_web_signature.json", 401),
  ];
  const halves = files.flat().flatMap((group) => group.private ?? []);
  expect(halves).toHaveLength(56);
  for (const half of halves) {
    const admitted = await admitJwks("keys" in half ? half : { keys: [half] });
    expect(admitted.ok ? "taken" : admitted.reason).toMatch(/^(private|symmetric)$/);
  }
});

// Every test through our own verifier. Where the keys themselves are refused, the token is judged against no keys as
// well, so that each wall is seen to stand without the other.
async function outcomesOf(name: string, expectedTests: number) {
  const refusedValid: Record<number, string> = {};
  const counts: Record<string, number> = {};
  for (const { tests, ...group } of await loadWycheproof<Group, Test>(name, expectedTests)) {
    for (const { tcId, result, jws, jwe } of tests) {
      const outcome = await outcomeOf(group.public ?? group.private ?? {}, textOf(jws ?? jwe ?? ""));
      if (result === "valid" && outcome !== "verified") refusedValid[tcId] = outcome;
      const label = result === "valid" && outcome !== "verified" ? "valid refused" : `${result} ${outcome}`;
      counts[label] = (counts[label] ?? 0) + 1;
    }
  }
  return { refusedValid, counts };
}

function textOf(token: string | object): string {
  return typeof token === "string" ? token : JSON.stringify(token);
}

async function outcomeOf(key: object, token: string): Promise<string> {
  const [admitted, none] = await Promise.all([
    admitJwks("keys" in key ? key : { keys: [key] }),
    admitJwks({ keys: [] }),
  ]);
  const keys = admitted.ok ? admitted.keys : none.ok && none.keys;
  if (!keys) throw new Error("the empty set is refused");
  const verified = await verifyCompactJws(token, keys, { algorithms });
  const outcome = verified.ok ? "verified" : verified.reason;
  return admitted.ok ? outcome : `keys ${admitted.reason}, token ${outcome}`;
}
