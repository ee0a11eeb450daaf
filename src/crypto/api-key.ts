import { encodeBase32 } from "#lib/base32.ts";
import { timingSafeEqual } from "./constant-time.ts";
import { hmacText, importHmacKey } from "./hmac.ts";

export interface Pepper {
  version: number;
  key: CryptoKey;
}

export type ApiKeyMode = "live" | "test";

/** Whose it is: `kl_…` is a key of the API, `kls_…` the secret of an OAuth client, which is no bearer of anything. */
export type ApiKeyKind = "api-key" | "client";
const prefixes = { "api-key": "kl", client: "kls" } as const satisfies Record<ApiKeyKind, string>;

export interface ParsedApiKey {
  kind: ApiKeyKind;
  mode: ApiKeyMode;
  cell: string;
  id: string;
  secret: string;
  version: number;
  signed: string;
  mac: string;
}

const secretBytes = 32;
const macBytes = 8;
// kls_live_ + cell 11 + _ + id 26 + _ + secret 52 + _ + version 4 + mac 13
const maxLength = 118;
const crockford = "[0-9a-hjkmnp-tv-z]";
const apiKeyGrammar = new RegExp(
  `^((kls?)_(live|test)_([a-z]{2,8}[0-9]{1,3})_([0-7]${crockford}{25})_(${crockford}{52})_([1-9][0-9]{0,3}))(${crockford}{13})$`,
);

export async function importPepper(version: number, bytes: Uint8Array<ArrayBuffer>): Promise<Pepper> {
  if (!Number.isInteger(version) || version < 1 || version > 9999) {
    throw new RangeError("a pepper version is a whole number from 1 to 9999");
  }
  return { version, key: await importHmacKey(bytes) };
}

/** The key is shown once; only the hash of its secret is kept. */
export async function mintApiKey(
  pepper: Pepper,
  { kind = "api-key", mode, cell, id }: { kind?: ApiKeyKind; mode: ApiKeyMode; cell: string; id: string },
): Promise<{ key: string; secretHash: string }> {
  const secret = encodeBase32(crypto.getRandomValues(new Uint8Array(secretBytes)));
  const signed = `${prefixes[kind]}_${mode}_${cell}_${id}_${secret}_${pepper.version}`;
  const key = signed + (await macOf(pepper, signed));
  // Otherwise a wrong cell or id would give a key that we ourselves refuse.
  if (!parseApiKey(key)) throw new RangeError("not a cell and a TypeID suffix");
  return { key, secretHash: await hashSecret(pepper, secret) };
}

/** Syntax only, no crypto: bounded before the expression sees it. */
export function parseApiKey(text: string): ParsedApiKey | null {
  if (text.length > maxLength) return null;
  const [, signed, prefix, mode, cell, id, secret, version, mac] = apiKeyGrammar.exec(text) ?? [];
  if (!signed || !cell || !id || !secret || !version || !mac) return null;
  return {
    kind: prefix === prefixes.client ? "client" : "api-key",
    mode: mode === "live" ? "live" : "test",
    cell,
    id,
    secret,
    version: Number(version),
    signed,
    mac,
  };
}

/** What lets a forged or mistyped key cost no I/O: without the pepper nobody makes these 64 bits. */
export async function verifyApiKeyMac(pepper: Pepper, parsed: ParsedApiKey): Promise<boolean> {
  return pepper.version === parsed.version && timingSafeEqual(parsed.mac, await macOf(pepper, parsed.signed));
}

export async function hashSecret(pepper: Pepper, secret: string): Promise<string> {
  return encodeBase32(await hmacText(pepper.key, "api-key secret", secret));
}

async function macOf(pepper: Pepper, signed: string): Promise<string> {
  return encodeBase32((await hmacText(pepper.key, "api-key mac", signed)).subarray(0, macBytes));
}
