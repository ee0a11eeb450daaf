import { decodeBase64Url, encodeBase64Url } from "#lib/base64url.ts";
import { utf8 } from "#lib/utf8.ts";
import { timingSafeEqual } from "./constant-time.ts";
import { hmacSha256, importHmacKey } from "./hmac.ts";

/** The headers of a signed message as they came (`svix-…` or `webhook-…`), and its exact bytes. */
export interface SignedMessage {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
}

export type MessageRefusal = "bad-headers" | "bad-time" | "bad-signature";

const toleranceSeconds = 300;
const mostSignatures = 20;
const hashBlockBytes = 64;

/**
 * Svix and Standard Webhooks: `v1,` and HMAC-SHA256 of `id.timestamp.body`, several while secrets rotate on either
 * side. Each try of a message is signed anew, so that an old timestamp is nobody's retry.
 * @returns null where it is genuine
 */
export async function messageRefusal(
  { id = "", timestamp = "", signature = "", body }: SignedMessage,
  secrets: readonly Uint8Array<ArrayBuffer>[],
  nowSeconds: number,
): Promise<MessageRefusal | null> {
  if (!/^[\w-]{1,255}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return "bad-headers";
  if (Math.abs(nowSeconds - Number(timestamp)) > toleranceSeconds) return "bad-time";
  const given = signature
    .split(" ", mostSignatures)
    .flatMap((each) => (each.startsWith("v1,") ? [each.slice(3)] : []));
  const head = utf8(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  for (const secret of secrets) {
    const expected = toBase64(await hmacSha256(await importHmacKey(secret), signed));
    if (given.some((each) => timingSafeEqual(each, expected))) return null;
  }
  return "bad-signature";
}

/**
 * The key of a `whsec_…` of 24 to 64 bytes, filled up with zeros to the hash's block as HMAC itself does (RFC 2104
 * section 2); null where the text is not of that form.
 */
export function messageSecret(text: string): Uint8Array<ArrayBuffer> | null {
  const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]{32,86}={0,2})$/.exec(text) ?? [];
  const bytes = decodeBase64Url(base64.replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_"));
  if (!bytes || bytes.length < 24 || toBase64(bytes) !== base64) return null;
  const padded = new Uint8Array(hashBlockBytes);
  padded.set(bytes);
  return padded;
}

function toBase64(bytes: Uint8Array): string {
  const text = encodeBase64Url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}
