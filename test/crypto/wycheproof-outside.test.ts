import { expect, test } from "vitest";
import { admitJwks } from "#crypto/jwk.ts";
import { verifyOutsideToken } from "#crypto/outside-token.ts";
import { hasVectors, loadWycheproof } from "#test/vectors.ts";

type Group = { private?: object; public?: object };
// An object where the file shows JSON serialization, which we do not read.
type Test = { jws?: string | object; jwe?: string | object };

const expected = {
  issuer: "https://clerk.keyline.example",
  audience: null,
  authorizedParties: [],
  nowSeconds: 1_800_000_000,
};

// No payload of the vectors is a session's: a signature that verifies is seen by the refusal of its claims. Where the
// keys themselves are refused, the token is judged against none as well.

test.skipIf(!hasVectors)("json_web_crypto: 77 invalid vectors end before their claims", async () => {
  expect(await outcomesOf("json_web_crypto.json", 83)).toEqual({
    "valid bad-claims": 2,
    "valid keys symmetric, token algorithm-not-allowed": 2,
    "valid keys symmetric, token malformed": 1,
    "valid keys private, token malformed": 1,
    "invalid bad-signature": 5,
    "invalid malformed": 18,
    "invalid unknown-key": 2,
    "invalid algorithm-not-allowed": 1,
    "invalid keys roca, token unknown-key": 1,
    "invalid keys symmetric, token algorithm-not-allowed": 5,
    "invalid keys symmetric, token malformed": 29,
    "invalid keys private, token malformed": 16,
  });
});

test.skipIf(!hasVectors)("json_web_key: 21 invalid vectors end before their claims", async () => {
  expect(await outcomesOf("json_web_key.json", 26)).toEqual({
    "valid bad-claims": 1,
    "valid keys symmetric, token algorithm-not-allowed": 4,
    "invalid unknown-key": 4,
    "invalid keys malformed, token unknown-key": 1,
    "invalid keys roca, token unknown-key": 1,
    "invalid keys weak, token malformed": 2,
    "invalid keys wrong-algorithm, token unknown-key": 2,
    "invalid keys symmetric, token algorithm-not-allowed": 11,
  });
});

test.skipIf(!hasVectors)("json_web_signature: 355 invalid vectors end before their claims", async () => {
  expect(await outcomesOf("json_web_signature.json", 401)).toEqual({
    // RS256 and ES256; the other algorithms are not for session tokens.
    "valid bad-claims": 9,
    "valid algorithm-not-allowed": 21,
    // Empty payloads.
    "valid malformed": 6,
    "valid keys symmetric, token algorithm-not-allowed": 8,
    "valid keys symmetric, token malformed": 2,
    "invalid bad-signature": 241,
    "invalid malformed": 22,
    "invalid unknown-key": 6,
    "invalid algorithm-not-allowed": 55,
    "invalid wrong-key": 1,
    "invalid keys symmetric, token algorithm-not-allowed": 5,
    "invalid keys symmetric, token malformed": 25,
  });
});

async function outcomesOf(name: string, expectedTests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { tests, ...group } of await loadWycheproof<Group, Test>(name, expectedTests)) {
    for (const { result, jws, jwe } of tests) {
      const token = jws ?? jwe ?? "";
      const text = typeof token === "string" ? token : JSON.stringify(token);
      const label = `${result} ${await outcomeOf(group.public ?? group.private ?? {}, text)}`;
      counts[label] = (counts[label] ?? 0) + 1;
    }
  }
  return counts;
}

async function outcomeOf(key: object, token: string): Promise<string> {
  const [admitted, none] = await Promise.all([
    admitJwks("keys" in key ? key : { keys: [key] }),
    admitJwks({ keys: [] }),
  ]);
  const keys = admitted.ok ? admitted.keys : none.ok && none.keys;
  if (!keys) throw new Error("the empty set is refused");
  const verified = await verifyOutsideToken(token, keys, expected);
  const outcome = verified.ok ? "taken" : verified.reason;
  return admitted.ok ? outcome : `keys ${admitted.reason}, token ${outcome}`;
}
