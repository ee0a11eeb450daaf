import { encodeBase32 } from "#lib/base32.ts";
import { timingSafeEqual } from "./constant-time.ts";
import { hmacText } from "./hmac.ts";

/** What a token is for: its prefix, and the prefix of the id that it names. */
const kinds = {
  refresh: { prefix: "klr", id: "ses" },
  "sign-up": { prefix: "klu", id: "sup" },
  link: { prefix: "kll", id: "otl" },
  "email-change": { prefix: "kle", id: "emc" },
  passkey: { prefix: "klk", id: "wac" },
  challenge: { prefix: "klc", id: "sic" },
  code: { prefix: "kla", id: "ogr" },
  "client-refresh": { prefix: "klo", id: "ogr" },
  flow: { prefix: "klf", id: "fls" },
  arrival: { prefix: "klm", id: "far" },
  invitation: { prefix: "klv", id: "inv" },
} as const;

export type MacTokenKind = keyof typeof kinds;

const macBytes = 20;
const suffix = "[0-7][0-9a-hjkmnp-tv-z]{25}";
const grammar = new RegExp(`^(kl[a-z])_(${suffix})_([0-9]{1,9})_([0-9a-hjkmnp-tv-z]{32})$`);

/** The row that a token names, and which of that row's tokens it is. */
export interface Named {
  readonly id: string;
  readonly turn: number;
}

/**
 * A token of a row, `klr_<id>_<turn>_<mac>`: 160 bits of HMAC instead of a secret, so that nothing of it is stored, a
 * forged one costs no I/O, and the same turn's token can be made again.
 */
export async function macToken(key: CryptoKey, kind: MacTokenKind, { id, turn }: Named): Promise<string> {
  const { prefix } = kinds[kind];
  const named = `${id.slice(id.indexOf("_") + 1)}_${turn}`;
  return `${prefix}_${named}_${await macOf(key, kind, named)}`;
}

/** What a genuine token of this kind names; null for any other text. */
export async function readMacToken(key: CryptoKey, kind: MacTokenKind, text: string): Promise<Named | null> {
  if (text.length > 80) return null;
  const [, prefix, id, turn, mac] = grammar.exec(text) ?? [];
  if (!id || !turn || !mac || prefix !== kinds[kind].prefix) return null;
  // One spelling of each number, so that a token is one text.
  if (String(Number(turn)) !== turn) return null;
  if (!timingSafeEqual(mac, await macOf(key, kind, `${id}_${turn}`))) return null;
  return { id: `${kinds[kind].id}_${id}`, turn: Number(turn) };
}

async function macOf(key: CryptoKey, kind: MacTokenKind, named: string): Promise<string> {
  return encodeBase32((await hmacText(key, `token ${kind}`, named)).subarray(0, macBytes));
}
