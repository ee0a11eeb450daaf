// What a blind index hashes. Changing a result here means rebuilding the indexes made with the old one.

const maxWords = 16;
const minPrefixLength = 2;
const maxPrefixLength = 12;

/**
 * NFKC, trimmed, lower-case. Null when it is not plausibly an address: one @, at most 64 characters before it, a
 * dotted domain after it, at most 254 in all, no space or invisible character. Plus-tags and dots are kept: they are
 * different mailboxes at most providers.
 */
export function normaliseEmail(text: string): string | null {
  const address = lowerCase(text).trim();
  if (address.length > 254) return null;
  return /^[^\s@\p{C}]{1,64}@[^\s@.\p{C}]+(\.[^\s@.\p{C}]+)+$/u.test(address) ? address : null;
}

/**
 * E.164: "+", a country code, 8 to 15 digits in all. Spaces, dots, dashes, parentheses and invisible marks are
 * removed, a leading 00 becomes "+", and the trunk prefix written "(0)" is dropped, for it is not dialled from abroad.
 * Null without a country code: guessing one would find the wrong person.
 */
export function normalisePhone(text: string): string | null {
  const compact = text
    .normalize("NFKC")
    .replaceAll(/[\s.\p{Pd}\u2212\p{Cf}]/gu, "")
    .replaceAll("(0)", "")
    .replaceAll(/[()]/g, "")
    .replace(/^00/, "+");
  return /^\+[1-9]\d{7,14}$/.test(compact) ? compact : null;
}

/**
 * The distinct words of a name, at most 16: NFKC, lower-case, without combining marks, split at whatever is neither
 * letter nor digit. So "José O’Neill" is found by "jose" and by "neill".
 */
export function nameWords(text: string): string[] {
  const words = withoutMarks(text)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
  return [...new Set(words)].slice(0, maxWords);
}

/** NFKC, lower-case, without combining marks. */
export function withoutMarks(text: string): string {
  return (
    lowerCase(text)
      .normalize("NFD")
      .replaceAll(/\p{M}/gu, "")
      // Hangul came apart into letters, not marks; it is searched by syllable.
      .normalize("NFC")
  );
}

/** The beginnings of a word by which it is found: 2 to 12 code points, and the word itself. */
export function prefixes(word: string): string[] {
  const characters = [...word];
  const longest = Math.min(maxPrefixLength, characters.length);
  const found = new Set<string>();
  for (let length = minPrefixLength; length <= longest; length++) {
    found.add(characters.slice(0, length).join(""));
  }
  return [...found.add(word)];
}

// Lower-casing can leave a sequence that is no longer normalised.
function lowerCase(text: string): string {
  return text.normalize("NFKC").toLowerCase().normalize("NFKC");
}
