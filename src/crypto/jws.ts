import { compactVerify, errors } from "jose";
import { decodeBase64Url } from "#lib/base64url.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import type { AdmittedJwks } from "./jwk.ts";

export type JwsRefusal =
  | "malformed"
  | "algorithm-not-allowed"
  | "critical-header"
  | "unknown-key"
  | "wrong-key"
  | "bad-signature";

interface CompactJws {
  header: Record<string, unknown>;
  payload: Uint8Array<ArrayBuffer>;
}

const maxLength = 8192;
const compactGrammar = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** The only way to a verified payload. jose alone takes a few malformed tokens, so strict syntax comes before it. */
export async function verifyCompactJws(
  text: string,
  keys: AdmittedJwks,
  { algorithms }: { algorithms: readonly string[] },
): Promise<({ ok: true } & CompactJws) | { ok: false; reason: JwsRefusal }> {
  const parsed = parseCompactJws(text);
  if (!parsed) return { ok: false, reason: "malformed" };
  const { alg, kid, crit } = parsed.header;
  if (typeof alg !== "string" || !algorithms.includes(alg))
    return { ok: false, reason: "algorithm-not-allowed" };
  // RFC 7515 section 4.1.11: an extension we do not know makes the token invalid, and we know none.
  if (crit !== undefined) return { ok: false, reason: "critical-header" };
  if (typeof kid !== "string" || !keys.kids.has(kid)) return { ok: false, reason: "unknown-key" };
  try {
    await compactVerify(text, keys.keyFor, { algorithms: [...algorithms] });
    return { ok: true, ...parsed };
  } catch (error) {
    return { ok: false, reason: refusalOf(error) };
  }
}

/** RFC 7515 section 7.1, and stricter: no empty payload, no stray bit, nothing above 8 KB. */
export function parseCompactJws(text: string): CompactJws | null {
  if (text.length > maxLength) return null;
  const [, headerText, payloadText, signatureText] = compactGrammar.exec(text) ?? [];
  if (!headerText || !payloadText || !signatureText) return null;
  const header = decodeBase64Url(headerText);
  const payload = decodeBase64Url(payloadText);
  if (!header || !payload || !decodeBase64Url(signatureText)) return null;
  const json = parseJsonObject(header);
  return json && { header: json, payload };
}

/** Null unless the bytes are one JSON object in sound UTF-8 without a byte order mark. */
export function parseJsonObject(bytes: Uint8Array<ArrayBuffer>): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes));
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refusalOf(error: unknown): JwsRefusal {
  if (error instanceof errors.JWSSignatureVerificationFailed) return "bad-signature";
  // The key exists, but its own alg or type is for other tokens.
  if (error instanceof errors.JWKSNoMatchingKey) return "wrong-key";
  if (error instanceof errors.JOSEError) return "malformed";
  throw error;
}
