import fc from "fast-check";
import { type CompactJWSHeaderParameters, CompactSign, exportJWK, generateKeyPair } from "jose";
import { expect, test } from "vitest";
import { admitJwks } from "#crypto/jwk.ts";
import { parseCompactJws, verifyCompactJws } from "#crypto/jws.ts";
import { encodeBase64Url } from "#lib/base64url.ts";

const es256 = { algorithms: ["ES256"] };

test("a signed text verifies for each kind of key and gives its header and payload", async () => {
  for (const alg of ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "PS384"]) {
    const { keys, sign } = await newSigner(alg);
    const verified = await verifyCompactJws(await sign("hello"), keys, { algorithms: [alg] });
    expect(verified, alg).toEqual({ ok: true, header: { alg, kid: "k1" }, payload: bytes("hello") });
  }
});

test("an algorithm that the caller did not allow is refused, though key and signature are right", async () => {
  const { keys, sign } = await newSigner("ES384");
  expect(await verifyCompactJws(await sign("x"), keys, es256)).toEqual(refused("algorithm-not-allowed"));
  expect(await verifyCompactJws(await sign("x"), keys, { algorithms: [] })).toEqual(
    refused("algorithm-not-allowed"),
  );
});

test("alg none and a MAC keyed with the public key are refused", async () => {
  const { keys, publicJwk } = await newSigner("ES256");
  const none = `${part({ alg: "none", kid: "k1" })}.${part("x")}.AA`;
  expect(await verifyCompactJws(none, keys, es256)).toEqual(refused("algorithm-not-allowed"));
  const secret = bytes(JSON.stringify(publicJwk));
  const mac = await new CompactSign(bytes("x")).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(secret);
  expect(await verifyCompactJws(mac, keys, es256)).toEqual(refused("algorithm-not-allowed"));
});

test("a token must name its key, and the key must be ours and for that algorithm", async () => {
  const { keys, sign } = await newSigner("ES256");
  for (const kid of ["k2", "", "constructor", 1, null, ["k1"], undefined]) {
    const token = `${part({ alg: "ES256", kid })}.${part("x")}.${"A".repeat(86)}`;
    expect(await verifyCompactJws(token, keys, es256), `${kid}`).toEqual(refused("unknown-key"));
  }
  const { keys: others } = await newSigner("RS256");
  expect(await verifyCompactJws(await sign("x"), others, es256)).toEqual(refused("wrong-key"));
  const { keys: stranger } = await newSigner("ES256");
  expect(await verifyCompactJws(await sign("x"), stranger, es256)).toEqual(refused("bad-signature"));
});

test("a key carried in the header convinces nobody", async () => {
  const { keys } = await newSigner("ES256");
  const forger = await newSigner("ES256");
  const token = await forger.sign("x", { jwk: forger.publicJwk, jku: "https://forger.example/jwks" });
  expect(await verifyCompactJws(token, keys, es256)).toEqual(refused("bad-signature"));
});

test("a critical header is refused, b64 included", async () => {
  const { keys, sign } = await newSigner("ES256");
  const [, payload, signature] = (await sign("x")).split(".");
  for (const crit of [["b64"], [], ["exp"], "b64", null]) {
    const token = `${part({ alg: "ES256", kid: "k1", crit, b64: false })}.${payload}.${signature}`;
    expect(await verifyCompactJws(token, keys, es256)).toEqual(refused("critical-header"));
  }
});

test("no other character anywhere in a token is accepted", async () => {
  const { keys, sign } = await newSigner("ES256");
  const token = await sign("hello");
  for (let i = 0; i < token.length; i++) {
    const other = token.charAt(i) === "B" ? "C" : "B";
    const verified = await verifyCompactJws(token.slice(0, i) + other + token.slice(i + 1), keys, es256);
    expect(verified.ok, `at ${i}`).toBe(false);
  }
});

test("whatever the text, the verifier answers and does not throw", async () => {
  const { keys, sign } = await newSigner("ES256");
  const token = await sign("x");
  const [header = "", payload = "", signature = ""] = token.split(".");
  const segment = fc.oneof(
    fc.constantFrom(header, payload, signature, ""),
    fc.base64String().map((text) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")),
    fc.json().map((json) => encodeBase64Url(bytes(json))),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { maxLength: 5 }), async (segments) => {
      const text = segments.join(".");
      const verified = await verifyCompactJws(text, keys, es256);
      expect(verified.ok).toBe(text === token);
    }),
    { numRuns: 300 },
  );
});

test("loose syntax is no token", async () => {
  const { sign } = await newSigner("ES256");
  const token = await sign("x");
  const [header = "", payload, signature] = token.split(".");
  const bad = [
    ...[
      "",
      ".",
      "..",
      `${header}.${payload}`,
      `${token}.`,
      `${token}.AA`,
      `.${token}`,
      `${header}..${signature}`,
    ],
    ...[
      ` ${token}`,
      `${token}\n`,
      `${token}=`,
      token.replace(".", "=."),
      `${header}.${payload} .${signature}`,
    ],
    ...[
      `${header}.${payload}.`,
      `.${payload}.${signature}`,
      `${header}.${payload}.A`,
      `${header}.e.${signature}`,
    ],
    // The x of the payload is "eA"; "eB" spells the same byte with an unused bit set.
    `${header}.eB.${signature}`,
    ...['"text"', "[]", "null", "1", "{", '{"a":1}}', "\ufeff{}", ""].map(
      (json) => `${part(json)}.${payload}.${signature}`,
    ),
    `${encodeBase64Url(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))}.${payload}.${signature}`,
    `${header}.${payload}.${"A".repeat(8192)}`,
  ];
  for (const text of bad) expect(parseCompactJws(text), text.slice(0, 200)).toBeNull();
  expect(parseCompactJws(token)?.payload).toEqual(bytes("x"));
});

test("8,192 characters are read, one more is not", () => {
  const rest = `${part({ alg: "ES256" })}.eA.`;
  const longest = rest + "A".repeat(Math.floor((8192 - rest.length) / 4) * 4);
  expect(parseCompactJws(longest)).not.toBeNull();
  expect(parseCompactJws(`${longest}AAAA`)).toBeNull();
});

async function newSigner(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: "k1" };
  const admitted = await admitJwks({ keys: [publicJwk] });
  if (!admitted.ok) throw new Error(admitted.reason);
  const sign = (text: string, header: Partial<CompactJWSHeaderParameters> = {}) =>
    new CompactSign(bytes(text)).setProtectedHeader({ alg, kid: "k1", ...header }).sign(privateKey);
  return { keys: admitted.keys, publicJwk, sign };
}

function refused(reason: string) {
  return { ok: false, reason };
}

function part(value: object | string): string {
  return encodeBase64Url(bytes(typeof value === "string" ? value : JSON.stringify(value)));
}

function bytes(text: string) {
  return new TextEncoder().encode(text);
}
