import { never, operand, replaced } from "#test/mutation/cut.ts";
import type { Mutant } from "#test/mutation/mutant.ts";

const token = "src/crypto/access-token.ts";
const jws = "src/crypto/jws.ts";
const ofToken = ["test/crypto/access-token.test.ts"];
const ofJws = ["test/crypto/jws.test.ts"];

/** Every check between a text and the claims we believe. */
export const tokens: readonly Mutant[] = [
  { name: "the token's type", cut: never(token, "verifyToken", "wrong-type"), caughtBy: ofToken },
  { name: "the token's issuer", cut: never(token, "timeRefusal", "wrong-issuer"), caughtBy: ofToken },
  { name: "the token's audience", cut: never(token, "timeRefusal", "wrong-audience"), caughtBy: ofToken },
  { name: "the token's expiry", cut: never(token, "timeRefusal", '"expired"'), caughtBy: ofToken },
  { name: "the token's time of issue", cut: never(token, "timeRefusal", "not-yet-valid"), caughtBy: ofToken },
  { name: "the token's longest life", cut: never(token, "timeRefusal", "lives-too-long"), caughtBy: ofToken },
  {
    name: "the list of algorithms",
    cut: operand(jws, "verifyCompactJws", "!algorithms.includes(alg)"),
    wallsDown: [replaced(jws, "verifyCompactJws", "ObjectExpression", "[...algorithms]", "{}")],
    caughtBy: ofJws,
  },
  {
    name: "the refusal of critical headers",
    cut: never(jws, "verifyCompactJws", "crit !== undefined"),
    caughtBy: ofJws,
  },
  {
    name: "the signature",
    cut: replaced(jws, "verifyCompactJws", "AwaitExpression", "compactVerify", "undefined"),
    caughtBy: ofJws,
  },
  { name: "the longest token", cut: never(jws, "parseCompactJws", "maxLength"), caughtBy: ofJws },
  {
    name: "the signature's canonical base64url",
    cut: operand(jws, "parseCompactJws", "!decodeBase64Url(signatureText)"),
    caughtBy: ofJws,
  },
  {
    name: "the refusal of a key set with a private or symmetric key",
    cut: never("src/crypto/jwk.ts", "refusalOfDescription", "privateMembers"),
    caughtBy: ["test/crypto/jwk.test.ts"],
  },
  {
    name: "the refusal of a kid that stands twice",
    cut: never("src/crypto/jwk.ts", "admitJwks", "duplicate-kid"),
    caughtBy: ["test/crypto/jwk.test.ts"],
  },
];
