import { expect, test } from "vitest";
import { type MemberClaims, verifyAccessToken } from "#crypto/access-token.ts";
import { type AdmittedJwks, admitJwks } from "#crypto/jwk.ts";
import { accessClaims, newTestIssuer, testAudience, testIssuer } from "#test/token-issuer.ts";

const nowSeconds = 1_790_000_000;
const expected = { issuer: testIssuer, audience: testAudience, nowSeconds };

test("a token of ours verifies and gives its claims, undeclared ones left out", async () => {
  const { keys, sign } = await issuer();
  const claims = accessClaims(nowSeconds);
  expect(await verifyAccessToken(await sign({ ...claims, extra: true }), keys, expected)).toEqual({
    ok: true,
    claims,
  });
});

test("a token is good from five seconds before its issue until the second it expires", async () => {
  const { keys, sign } = await issuer();
  const token = await sign(accessClaims(nowSeconds));
  const outcomes = [-6, -5, 0, 299, 300, 3000].map(async (later) => {
    const verified = await verifyAccessToken(token, keys, { ...expected, nowSeconds: nowSeconds + later });
    return verified.ok || verified.reason;
  });
  expect(await Promise.all(outcomes)).toEqual(["not-yet-valid", true, true, true, "expired", "expired"]);
});

const wrongClaims: [string, Partial<Record<keyof MemberClaims, unknown>>, string][] = [
  ["another issuer", { iss: "https://other.test" }, "wrong-issuer"],
  ["another audience", { aud: "https://other.test" }, "wrong-audience"],
  ["a list of audiences", { aud: [testAudience] }, "bad-claims"],
  ["a life of more than five minutes", { exp: nowSeconds + 306 }, "lives-too-long"],
  ["no expiry", { exp: undefined }, "bad-claims"],
  ["an expiry in text", { exp: `${nowSeconds + 300}` }, "bad-claims"],
  ["a broken second", { exp: nowSeconds + 0.5 }, "bad-claims"],
  ["an expiry before its issue", { exp: nowSeconds - 1 }, "bad-claims"],
  ["a sign-in after its issue", { auth_time: nowSeconds + 1 }, "bad-claims"],
  ["no issue time", { iat: undefined }, "bad-claims"],
  ["no subject", { sub: undefined }, "bad-claims"],
  ["an empty subject", { sub: "" }, "bad-claims"],
  ["no session", { sid: undefined }, "bad-claims"],
  ["no tenant", { tenant: undefined }, "bad-claims"],
  ["a slug for a tenant", { tenant: "harbour-cafe" }, "bad-claims"],
  ["another kind of id for a tenant", { tenant: "cus_01jd7v9s3kf8x9q2m5n6p7r8t9" }, "bad-claims"],
  ["a tenant with a tail", { tenant: "ten_01jd7v9s3kf8x9q2m5n6p7r8t9\n" }, "bad-claims"],
  ["another kind of id for a member", { member: "usr_01jd7v9s3kf8x9q2m5n6p7r8t9" }, "bad-claims"],
  ["no cell", { cell: undefined }, "bad-claims"],
  ["a strange cell", { cell: "../us1" }, "bad-claims"],
  ["a scope as a list", { scope: ["orders:read"] }, "bad-claims"],
  ["a scope with two spaces", { scope: "orders:read  orders:write" }, "bad-claims"],
  ["methods as text", { amr: "pwd" }, "bad-claims"],
  ["no level", { acr: undefined }, "bad-claims"],
  ["no id of its own", { jti: undefined }, "bad-claims"],
];

for (const [what, overrides, reason] of wrongClaims) {
  test(`a token with ${what} is refused: ${reason}`, async () => {
    const { keys, sign } = await issuer();
    const token = await sign({ ...accessClaims(nowSeconds), ...overrides });
    expect(await verifyAccessToken(token, keys, expected)).toEqual({ ok: false, reason });
  });
}

test("another type of token by the same key is refused", async () => {
  const { keys, sign } = await issuer();
  for (const typ of ["JWT", "logout+jwt", "at+jwt ", "", undefined, 1]) {
    const token = await sign(accessClaims(nowSeconds), { typ });
    expect(await verifyAccessToken(token, keys, expected), `${typ}`).toEqual({
      ok: false,
      reason: "wrong-type",
    });
  }
});

test("a payload that is no JSON object is refused", async () => {
  const { keys, sign } = await issuer();
  for (const payload of ["null", "[]", "claims", "{", "7"]) {
    expect(await verifyAccessToken(await sign(payload), keys, expected)).toEqual({
      ok: false,
      reason: "bad-claims",
    });
  }
});

test("another issuer's key under our kid, and a kid of nobody, are refused", async () => {
  const [ours, forger] = [await issuer(), await newTestIssuer()];
  const claims = accessClaims(nowSeconds);
  const forged = await forger.sign(claims, { kid: ours.publicJwk.kid });
  expect(await verifyAccessToken(forged, ours.keys, expected)).toEqual({
    ok: false,
    reason: "bad-signature",
  });
  const unknown = await forger.sign(claims);
  expect(await verifyAccessToken(unknown, ours.keys, expected)).toEqual({ ok: false, reason: "unknown-key" });
});

test("text that is no token is malformed", async () => {
  const { keys } = await issuer();
  expect(await verifyAccessToken("kl_live_us1", keys, expected)).toEqual({ ok: false, reason: "malformed" });
});

async function issuer() {
  const made = await newTestIssuer();
  const admitted = await admitJwks(made.jwks);
  if (!admitted.ok) throw new Error(admitted.reason);
  const keys: AdmittedJwks = admitted.keys;
  return { ...made, keys };
}
