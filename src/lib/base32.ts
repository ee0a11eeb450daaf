/**
 * Crockford's alphabet in lower case, as TypeID uses it. Only the canonical spelling is read: his lenient
 * forms (upper case, `o` for 0, `i` and `l` for 1) would give one value several texts.
 */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    heldBits += 8;
    while (heldBits >= 5) {
      heldBits -= 5;
      text += alphabet.charAt(buffer >> heldBits);
      buffer &= (1 << heldBits) - 1;
    }
  }
  return heldBits > 0 ? text + alphabet.charAt(buffer << (5 - heldBits)) : text;
}

/** Null for a foreign character, an impossible length, or unused bits that are not zero. */
export function decodeBase32(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let buffer = 0;
  let heldBits = 0;
  let length = 0;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) return null;
    buffer = (buffer << 5) | value;
    heldBits += 5;
    if (heldBits >= 8) {
      heldBits -= 8;
      bytes[length++] = buffer >> heldBits;
      buffer &= (1 << heldBits) - 1;
    }
  }
  return heldBits < 5 && buffer === 0 ? bytes : null;
}

const pairs = Array.from(
  { length: 1024 },
  (_, value) => alphabet.charAt(value >> 5) + alphabet.charAt(value & 31),
);

/** A whole number below 2^53 as so many digits, leading zeros included. */
export function encodeBase32Number(value: number, digits: number): string {
  let text = "";
  for (let rest = value; text.length < digits; rest = Math.floor(rest / 1024))
    text = pairs[rest % 1024] + text;
  return digits % 2 === 0 ? text : text.slice(1);
}

/** Null for a foreign character, and for a number that JavaScript cannot hold exactly. */
export function decodeBase32Number(text: string): number | null {
  let value = 0;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) return null;
    value = value * 32 + digit;
  }
  return Number.isSafeInteger(value) ? value : null;
}
