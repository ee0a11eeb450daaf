import { decodeBase64Url } from "#lib/base64url.ts";

/** A hash of Argon2id with all that is needed to compute it again. */
export interface PhcHash {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly tag: Uint8Array<ArrayBuffer>;
}

const number = "(0|[1-9]\\d{0,9})";
const base64 = "([A-Za-z0-9+/]+)";
const grammar = new RegExp(
  `^\\$argon2id\\$v=19\\$m=${number},t=${number},p=${number}\\$${base64}\\$${base64}$`,
);

/** As the PHC string format has it (github.com/P-H-C/phc-string-format): standard base64 without padding. */
export function phcString({ memoryKiB, passes, lanes, salt, tag }: PhcHash): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64Of(salt)}$${base64Of(tag)}`;
}

/**
 * Null unless the text is the one spelling of a hash that costs no more than we are ready to spend: whoever can write
 * to the database shall not be able to ask for gigabytes, or for minutes.
 */
export function parsePhcString(text: string): PhcHash | null {
  // Longer than any that passes below.
  if (text.length > 256) return null;
  const [, memory, passes, lanes, salt = "", tag = ""] = grammar.exec(text) ?? [];
  const hash = {
    memoryKiB: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: bytesOf(salt),
    tag: bytesOf(tag),
  };
  return isWithinBounds(hash) ? hash : null;
}

/** 64 MiB is what the WebAssembly instance has from its start; RFC 9106 section 3.1 wants 8 blocks a lane. */
function isWithinBounds({ memoryKiB, passes, lanes, salt, tag }: PhcHash): boolean {
  return (
    isBetween(lanes, 1, 4) &&
    isBetween(memoryKiB, 8 * lanes, 65_536) &&
    isBetween(passes, 1, 5) &&
    isBetween(salt.length, 8, 48) &&
    isBetween(tag.length, 16, 64)
  );
}

// NaN, of a text that is no hash at all, is between no two numbers.
function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function base64Of(bytes: Uint8Array): string {
  return bytes.toBase64({ omitPadding: true });
}

/** Empty, which is too short for anything, where the text is not the one spelling of some bytes. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return decodeBase64Url(text.replaceAll("+", "-").replaceAll("/", "_")) ?? new Uint8Array();
}
