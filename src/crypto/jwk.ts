import { type CompactVerifyGetKey, createLocalJWKSet, importJWK } from "jose";
import { z } from "zod";
import { decodeBase64Url } from "#lib/base64url.ts";
import { hasRocaFingerprint } from "./roca.ts";

export type JwkRefusal =
  | "malformed"
  | "symmetric"
  | "private"
  | "unsupported"
  | "not-for-verifying"
  | "wrong-algorithm"
  | "weak"
  | "roca"
  | "duplicate-kid";

/** Public keys that passed admitJwks. Make one per key set and keep it: it caches the imported keys. */
export interface AdmittedJwks {
  readonly kids: ReadonlySet<string>;
  readonly keyFor: CompactVerifyGetKey;
}

const algorithmsByKind = new Map([
  ["RSA", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]],
  ["EC P-256", ["ES256"]],
  ["EC P-384", ["ES384"]],
  ["EC P-521", ["ES512"]],
  ["OKP Ed25519", ["EdDSA", "Ed25519"]],
]);
const knownAlgorithms = new Set([...algorithmsByKind.values()].flat());
const coordinateBytes = { "P-256": 32, "P-384": 48, "P-521": 66, Ed25519: 32 };
// RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1; RFC 9964 for priv.
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

const purpose = {
  use: z.string().exactOptional(),
  key_ops: z.array(z.string()).exactOptional(),
  alg: z.string().exactOptional(),
};
const AnyJwk = z.looseObject({ kty: z.string(), crv: z.string().exactOptional(), ...purpose });
// What is not declared here never reaches the library that imports the key. The kid is ours to insist on: a set in
// which every key has one leaves no doubt about which key a token means.
const kid = z.string().min(1).max(256);
const PublicJwk = z.union([
  z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string(), kid, ...purpose }),
  z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), kid, ...purpose }),
  z.object({
    kty: z.literal("EC"),
    crv: z.enum(["P-256", "P-384", "P-521"]),
    x: z.string(),
    y: z.string(),
    kid,
    ...purpose,
  }),
]);
type PublicJwk = z.infer<typeof PublicJwk>;

/**
 * A set is taken whole or not at all, but for keys that RFC 7517 section 5 says to ignore: those of kinds unknown to
 * us and those for encryption, which many providers publish in the same set.
 */
export async function admitJwks(
  jwks: unknown,
): Promise<{ ok: true; keys: AdmittedJwks } | { ok: false; reason: JwkRefusal }> {
  const set = z.object({ keys: z.array(z.unknown()).max(100) }).safeParse(jwks);
  if (!set.success) return { ok: false, reason: "malformed" };
  const keys: PublicJwk[] = [];
  for (const candidate of set.data.keys) {
    const admitted = await admitJwk(candidate);
    if (admitted.ok) keys.push(admitted.jwk);
    else if (admitted.reason !== "unsupported" && admitted.reason !== "not-for-verifying") return admitted;
  }
  const kids = new Set(keys.map((key) => key.kid));
  if (kids.size !== keys.length) return { ok: false, reason: "duplicate-kid" };
  return { ok: true, keys: { kids, keyFor: createLocalJWKSet({ keys }) } };
}

export async function admitJwk(
  candidate: unknown,
): Promise<{ ok: true; jwk: PublicJwk } | { ok: false; reason: JwkRefusal }> {
  const any = AnyJwk.safeParse(candidate);
  if (!any.success) return { ok: false, reason: "malformed" };
  const described = refusalOfDescription(any.data);
  if (described) return { ok: false, reason: described };
  const parsed = PublicJwk.safeParse(candidate);
  if (!parsed.success) return { ok: false, reason: "malformed" };
  const reason = refusalOfMaterial(parsed.data) ?? (await refusalOfImport(parsed.data));
  return reason ? { ok: false, reason } : { ok: true, jwk: parsed.data };
}

function refusalOfDescription(jwk: z.infer<typeof AnyJwk>): JwkRefusal | null {
  if (jwk.kty === "oct") return "symmetric";
  if (privateMembers.some((member) => member in jwk)) return "private";
  const algorithms = algorithmsFor(jwk);
  if (!algorithms) return "unsupported";
  if (jwk.use !== undefined && jwk.use !== "sig") return "not-for-verifying";
  if (jwk.key_ops && !jwk.key_ops.includes("verify")) return "not-for-verifying";
  if (jwk.alg === undefined || algorithms.includes(jwk.alg)) return null;
  return knownAlgorithms.has(jwk.alg) ? "wrong-algorithm" : "unsupported";
}

function refusalOfMaterial(jwk: PublicJwk): JwkRefusal | null {
  if (jwk.kty === "RSA") return refusalOfRsa(jwk.n, jwk.e);
  const coordinates = jwk.kty === "EC" ? [jwk.x, jwk.y] : [jwk.x];
  const bytes = coordinateBytes[jwk.crv];
  return coordinates.every((text) => decodeBase64Url(text)?.length === bytes) ? null : "malformed";
}

function refusalOfRsa(n: string, e: string): JwkRefusal | null {
  const modulus = integerOf(n);
  const exponent = integerOf(e);
  if (modulus === null || exponent === null) return "malformed";
  const bits = modulus.toString(2).length;
  // The upper bounds keep a hostile key set from making one verification expensive.
  if (bits < 2048 || bits > 8192 || modulus % 2n === 0n) return "weak";
  if (exponent < 3n || exponent >= 2n ** 33n || exponent % 2n === 0n) return "weak";
  return hasRocaFingerprint(modulus) ? "roca" : null;
}

function integerOf(text: string): bigint | null {
  const bytes = decodeBase64Url(text);
  if (!bytes?.length || bytes.length > 1025) return null;
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

// Web Crypto refuses a point that is not on its curve; better when the key comes in than when a token does.
async function refusalOfImport(jwk: PublicJwk): Promise<JwkRefusal | null> {
  try {
    await importJWK(jwk, jwk.alg ?? algorithmsFor(jwk)?.[0]);
    return null;
  } catch {
    return "malformed";
  }
}

function algorithmsFor({ kty, crv }: { kty: string; crv?: string }): readonly string[] | undefined {
  return algorithmsByKind.get(kty === "RSA" ? "RSA" : `${kty} ${crv}`);
}
