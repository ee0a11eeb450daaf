import { decodeBase64Url, encodeBase64Url } from "#lib/base64url.ts";
import { utf8 } from "#lib/utf8.ts";
import { hmacSha256, importHmacKey } from "./hmac.ts";

// Standard Webhooks: secrets are `whsec_` and 24 to 64 bytes in base64.
const secretGrammar = /^whsec_([A-Za-z0-9+/]{32,86})={0,2}$/;
const newSecretBytes = 32;
const hashBlockBytes = 64;

export function newWebhookSecret(): string {
  return `whsec_${toBase64(crypto.getRandomValues(new Uint8Array(newSecretBytes)))}`;
}

export function isWebhookSecret(text: string): boolean {
  return secretBytes(text) !== null;
}

/**
 * `webhook-signature` of Standard Webhooks: one `v1,…` per secret, separated by a space, over exactly these bytes.
 * @throws RangeError where a secret is not of its form
 */
export async function webhookSignature(
  secrets: readonly string[],
  message: { readonly id: string; readonly timestampSeconds: number; readonly body: string },
): Promise<string> {
  const signed = utf8(`${message.id}.${message.timestampSeconds}.${message.body}`);
  const signatures = await Promise.all(
    secrets.map(async (secret) => `v1,${toBase64(await hmacSha256(await keyOf(secret), signed))}`),
  );
  return signatures.join(" ");
}

// RFC 2104 section 2: a key is filled up with zeros to the hash's block, so doing it here changes no signature.
async function keyOf(secret: string): Promise<CryptoKey> {
  const bytes = secretBytes(secret);
  if (!bytes) throw new RangeError("not a webhook secret");
  const padded = new Uint8Array(hashBlockBytes);
  padded.set(bytes);
  return await importHmacKey(padded);
}

function secretBytes(text: string): Uint8Array<ArrayBuffer> | null {
  const [, base64] = secretGrammar.exec(text) ?? [];
  if (base64 === undefined) return null;
  const bytes = decodeBase64Url(base64.replaceAll("+", "-").replaceAll("/", "_"));
  const isCanonical = bytes !== null && text === `whsec_${toBase64(bytes)}`;
  return isCanonical && bytes.length >= 24 && bytes.length <= hashBlockBytes ? bytes : null;
}

function toBase64(bytes: Uint8Array): string {
  const text = encodeBase64Url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}
